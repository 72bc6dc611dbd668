/** True when an `Accept` header names a media type and does not rule it out by `q=0`. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  return (header ?? '').split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === mediaType && !parameters.some((parameter) => /^q\s*=\s*0(\.0{0,3})?$/.test(parameter));
  });
}
