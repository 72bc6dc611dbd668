// ESM source imports end in .js; under Jest the file beside them is .ts.
module.exports = (request, options) => {
  try {
    return options.defaultResolver(request, options);
  } catch (error) {
    if (!request.startsWith('.') || !request.endsWith('.js')) throw error;
    return options.defaultResolver(request.replace(/\.js$/, '.ts'), options);
  }
};
