/** Text from elsewhere, safe for a terminal: control characters become spaces, so nothing can move the cursor or forge a line. */
export function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

/** A value for a cell; what is missing or empty shows as `-`. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (typeof value === 'string') return printable(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return printable(JSON.stringify(value));
}

/** A yes or a no; undefined when it is not told. */
export function yesNo(value: boolean | null | undefined): string | undefined {
  return value == null ? undefined : value ? 'yes' : 'no';
}
