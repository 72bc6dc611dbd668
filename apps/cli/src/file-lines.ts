/** Reads files of lines that are verified byte for byte. */
import { createReadStream } from 'node:fs';
import { linesIn } from '@fairlead/audit-chain';

/** The lines of a file; see `linesIn`. */
export function linesOf(path: string): AsyncGenerator<string, void, undefined> {
  return linesIn(createReadStream(path) as AsyncIterable<Buffer>);
}
