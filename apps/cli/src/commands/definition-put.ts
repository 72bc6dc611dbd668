import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addFormatOption, readDocument, type FileFormat } from '../definition-file.js';

interface Options {
  readonly format?: FileFormat;
  readonly reason: string;
  readonly idempotencyKey?: string;
}

/** `fairlead definition put` */
export function definitionPut(parent: Command, run: Run): void {
  addFormatOption(parent.command('put <file>'))
    .description('add the next version of a definition; a content that is there already adds nothing (- reads standard input)')
    .requiredOption('--reason <text>', 'why; kept with the version and in the audit trail')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key answers the same')
    .action((file: string, { format, reason, idempotencyKey }: Options, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        const document = await readDocument(terminal, file, format);
        const put = await api().putDefinition({ ...document, reason }, idempotencyKey ?? randomUUID());
        const which = `version ${String(put.version)} of ${put.name}`;
        print(put, () => (put.added === false ? `${which} has this content already\n` : `${which} is added\n`));
      }),
    );
}
