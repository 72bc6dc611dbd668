/** Postgres's text[] in its binary form: JSON among the elements need not be escaped here and unescaped there. */

const textOid = 25;
const headerBytes = 20;
const nullLength = -1;

/** Encodes texts, or nulls, as one bound parameter of type text[]; a Buffer is what pg sends in binary form. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = headerBytes;
  for (const value of values) bytes += 4 + (value === null ? 0 : Buffer.byteLength(value));
  const encoded = Buffer.allocUnsafe(bytes);
  // Dimensions, "has nulls", element type, then length and lower bound of the only dimension.
  let at = encoded.writeInt32BE(1, 0);
  for (const field of [values.includes(null) ? 1 : 0, textOid, values.length, 1]) at = encoded.writeInt32BE(field, at);
  for (const value of values) {
    const length = value === null ? nullLength : encoded.write(value, at + 4);
    encoded.writeInt32BE(length, at);
    at += 4 + Math.max(0, length);
  }
  return encoded;
}
