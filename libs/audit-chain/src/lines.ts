/** Lines that are verified byte for byte. */
import { isUtf8 } from 'node:buffer';

const newline = 0x0a;
/** Longer lines are none: events are far smaller. */
const maxLineBytes = 64 * 1_048_576;

/**
 * The lines of a text that comes in pieces. A line ends at a line feed and nowhere else: readline ends one at U+2028 and U+2029, too,
 * which JSON may hold as they are. What is not UTF-8 comes as an empty line, which nothing that is verified has.
 */
export async function* linesIn(pieces: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let [parts, size]: [Buffer[], number] = [[], 0];
  for await (const chunk of pieces) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      yield textOf([...parts, chunk.subarray(start, end)]);
      [parts, size, start] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > maxLineBytes) {
      yield '';
      return;
    }
  }
  if (size > 0) yield textOf(parts);
}

function textOf(parts: readonly Buffer[]): string {
  const bytes = Buffer.concat(parts);
  return isUtf8(bytes) ? bytes.toString() : '';
}
