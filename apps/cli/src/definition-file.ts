import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { CliError, exitCodes } from './exit.js';
import type { Terminal } from './terminal.js';

export type FileFormat = 'json' | 'yaml';

/** Adds the option that says what a file is written in. */
export function addFormatOption(command: Command): Command {
  return command.addOption(new Option('--format <format>', 'else told by the name: .yaml or .yml, or JSON').choices(['json', 'yaml']));
}

/** Reads a file, standard input for `-`, and tells what it is written in. Throws a usage error when it can't be read. */
export async function readDocument(terminal: Terminal, file: string, format: FileFormat | undefined) {
  const text =
    file === '-'
      ? await terminal.readInput()
      : await readFile(file, 'utf8').catch((error: unknown) => {
          throw new CliError(`${file} can not be read`, exitCodes.usage, { cause: error });
        });
  return { text, format: format ?? (/\.ya?ml$/i.test(file) ? ('yaml' as const) : ('json' as const)) };
}
