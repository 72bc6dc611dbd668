// A container's health check: ends with 0 when /health answers well in time. Takes a URL, or asks the service in this container.
const url = process.argv[2] ?? `http://127.0.0.1:${process.env.HTTP_PORT}/health`;
const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(4_000) }).catch(() => undefined);
process.exit(response?.ok === true ? 0 : 1);
