import type { Command } from 'commander';
import type { Run } from '../context.js';
import { addFormatOption, readDocument, type FileFormat } from '../definition-file.js';
import { CliError } from '../exit.js';
import { renderVerdict } from '../view/definition.js';

/** `fairlead definition validate` */
export function definitionValidate(parent: Command, run: Run): void {
  addFormatOption(parent.command('validate <file>'))
    .description('tell everything that is wrong with a definition, and add nothing; the exit code is 1 when something is')
    .action((file: string, { format }: { format?: FileFormat }, command: Command) =>
      run(command, async ({ api, print, terminal }) => {
        const verdict = await api().validateDefinition(await readDocument(terminal, file, format));
        print(verdict, () => renderVerdict(verdict));
        if (!verdict.valid) throw new CliError(`${file} is not a definition that can be put`);
      }),
    );
}
