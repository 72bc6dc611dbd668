/**
 * JSON in one form, so that everybody hashes the same bytes: RFC 8785. That form writes numbers as doubles print; one that
 * no double holds exactly is written as what it is, so that no two values look alike.
 */

/** A number that no double holds exactly, in the one form that its value has: `<digits>e<exponent>`. */
class ExactNumber {
  constructor(readonly text: string) {}
}

/**
 * Only numbers of many digits, with a fraction or with an exponent may differ from the double nearest to them. What looks like
 * one within a text costs time alone.
 */
const mayBeInexact = /(?:^|[[:,\s])-?(?:\d+[.eE]|\d{16})/;

/** Parses JSON and keeps each number as exact as it is written. Throws a SyntaxError for what is no JSON. */
export function parseExact(text: string): unknown {
  if (!mayBeInexact.test(text)) return JSON.parse(text) as unknown;
  const keep = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined ? exactNumber(context.source) : value;
  return JSON.parse(text, keep) as unknown;
}

/** Writes a value that parseExact answered, or any other JSON value, in canonical form. */
export function canonicalJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.text;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const object = value as Record<string, unknown>;
  // Names in the order of their UTF-16 code units, as RFC 8785 wants it, which is how sort() compares.
  const members = Object.keys(object)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name])}`);
  return `{${members.join(',')}}`;
}

/** A number by its text: a double where that is the same value, else the value itself. */
export function exactNumber(source: string): number | ExactNumber {
  const value = Number(source);
  const exactly = decimalForm(source);
  return Number.isFinite(value) && decimalForm(String(value)) === exactly ? value : new ExactNumber(exactly);
}

/** The one form of a decimal number: digits without zeros around them, and an exponent. */
function decimalForm(source: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = whole + fraction;
  const significant = digits.replace(/0+$/, '');
  const trimmed = significant.replace(/^0+/, '');
  if (trimmed === '') return '0';
  const shift = BigInt(exponent) + BigInt(digits.length - significant.length - fraction.length);
  return `${sign}${trimmed}e${shift}`;
}
