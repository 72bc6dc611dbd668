/** Postgres's text[] in its binary form: JSON among the elements need not be escaped here and unescaped there. */

const textOid = 25;
const headerBytes = 20;

/** Encodes texts as one bound parameter of type text[]; a Buffer is what pg sends in binary form. */
export function textArray(values: readonly string[]): Buffer {
  let bytes = headerBytes;
  for (const value of values) bytes += 4 + Buffer.byteLength(value);
  const encoded = Buffer.allocUnsafe(bytes);
  // Dimensions, "has nulls", element type, then length and lower bound of the only dimension.
  let at = encoded.writeInt32BE(1, 0);
  for (const field of [0, textOid, values.length, 1]) at = encoded.writeInt32BE(field, at);
  for (const value of values) {
    const length = encoded.write(value, at + 4);
    encoded.writeInt32BE(length, at);
    at += 4 + length;
  }
  return encoded;
}
