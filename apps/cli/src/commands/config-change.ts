import { Option, type Command } from 'commander';
import { runChange } from '../change.js';
import type { ConfigDomain } from '../config-api.js';
import type { Run } from '../context.js';
import { addDocumentOptions, documentOf, readDocument, revisionNumber, type DocumentOptions } from '../document.js';
import { addChangeOptions, changeOptions, type ParsedChangeOptions } from '../options.js';

interface Options extends ParsedChangeOptions, DocumentOptions {
  readonly expectRevision?: number;
}

const examples = `
The plan is shown first: what would change in the document, whom that touches, the checks. A sample of the gateways tries the new revision before it
is in force; when they, or all of them afterwards, do not route by it, what was in force comes back.

Examples:
  fairlead config get routing > routing.json
  fairlead config apply routing routing.json --reason "a longer timeout" --wait
  fairlead config rollback routing 4 --reason "it was better" --wait --yes
  fairlead config apply feature-flags flags.yaml --scope tenants/acme --reason "beta for acme" --dry-run
`;

/** `fairlead config apply` */
export function configApply(parent: Command, run: Run): void {
  changeOf(parent.command('apply <domain> <file>').description('put a file, JSON or YAML, in force')).action(
    (domain: ConfigDomain, file: string, options: Options, command: Command) =>
      run(command, (context) =>
        runChange(
          context,
          'config-apply',
          async () => ({ domain, ...asked(options), ...(await readDocument(file)) }),
          changeOptions(options),
        ),
      ),
  );
}

/** `fairlead config rollback` */
export function configRollback(parent: Command, run: Run): void {
  changeOf(parent.command('rollback <domain>').description('put the content of an earlier revision in force again, 0 for the defaults'))
    .argument('<revision>', 'its number', revisionNumber)
    .action((domain: ConfigDomain, revision: number, options: Options, command: Command) =>
      run(command, (context) =>
        runChange(context, 'config-rollback', () => Promise.resolve({ domain, ...asked(options), revision }), changeOptions(options)),
      ),
    );
}

function changeOf(command: Command): Command {
  addDocumentOptions(command).addOption(
    new Option('--expect-revision <n>', 'only if this revision is in force still').argParser(revisionNumber),
  );
  return addChangeOptions(command).addHelpText('after', examples);
}

function asked({ expectRevision, reason, ...options }: Options) {
  return { ...documentOf(options), ...(expectRevision === undefined ? {} : { expected_revision: expectRevision }), reason };
}
