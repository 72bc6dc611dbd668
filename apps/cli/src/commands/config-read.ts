import { Option, type Command } from 'commander';
import { configDomains } from '@fairlead/contracts';
import type { ConfigDomain } from '../config-api.js';
import type { Run } from '../context.js';
import { addDocumentOptions, documentOf, readDocument, revisionNumber, type DocumentOptions } from '../document.js';
import { CliError } from '../exit.js';
import { addPageOptions, type PageOptions } from '../options.js';
import { renderConfigContent, renderConfigHistory, renderConfigs, renderConfigVerdict } from '../view/config.js';
import { printPage } from '../view/page.js';
import { renderChanges } from '../view/plan.js';

/** `fairlead config list` */
export function configList(parent: Command, run: Run): void {
  addPageOptions(parent.command('list').description('list the documents that were ever applied, as they are in force'))
    .addOption(new Option('--domain <domain>', 'of this domain').choices(configDomains))
    .action(({ domain, ...page }: PageOptions & { domain?: ConfigDomain }, command: Command) =>
      run(command, async (context) => {
        printPage(context, await context.api().configs({ domain }, page), renderConfigs);
      }),
    );
}

/** `fairlead config get` */
export function configGet(parent: Command, run: Run): void {
  addDocumentOptions(parent.command('get <domain>').description('print what is in force, as a file that can be applied')).action(
    (domain: ConfigDomain, options: DocumentOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const document = await api().config(domain, documentOf(options));
        print(document, () => renderConfigContent(document));
      }),
  );
}

/** `fairlead config history` */
export function configHistory(parent: Command, run: Run): void {
  addPageOptions(addDocumentOptions(parent.command('history <domain>').description('list the revisions, the newest first'))).action(
    (domain: ConfigDomain, { limit, cursor, ...options }: DocumentOptions & PageOptions, command: Command) =>
      run(command, async (context) => {
        const page = { limit, ...(cursor === undefined ? {} : { cursor }) };
        printPage(context, await context.api().configHistory(domain, documentOf(options), page), renderConfigHistory);
      }),
  );
}

/** `fairlead config revision` */
export function configRevision(parent: Command, run: Run): void {
  addDocumentOptions(parent.command('revision <domain>').description('print a revision, 0 for the domain’s defaults'))
    .argument('<revision>', 'its number', revisionNumber)
    .action((domain: ConfigDomain, revision: number, options: DocumentOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const found = await api().configRevision(domain, revision, documentOf(options));
        print(found, () => renderConfigContent(found));
      }),
    );
}

/** `fairlead config diff` */
export function configDiff(parent: Command, run: Run): void {
  addDocumentOptions(parent.command('diff <domain>').description('tell what makes one revision the other'))
    .argument('<from>', 'the number of a revision', revisionNumber)
    .argument('<to>', 'the number of another one', revisionNumber)
    .action((domain: ConfigDomain, from: number, to: number, options: DocumentOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const told = await api().configDiff(domain, { ...documentOf(options), from, to });
        print(told, () => renderChanges(told.changes));
      }),
    );
}

/** `fairlead config validate` */
export function configValidate(parent: Command, run: Run): void {
  addDocumentOptions(
    parent.command('validate <domain> <file>').description('tell everything that is wrong with a file, JSON or YAML'),
  ).action((domain: ConfigDomain, file: string, options: DocumentOptions, command: Command) =>
    run(command, async ({ api, print }) => {
      const verdict = await api().validateConfig({ domain, ...documentOf(options), ...(await readDocument(file)) });
      print(verdict, () => renderConfigVerdict(verdict));
      if (!verdict.valid) throw new CliError(`${file} would be refused (${verdict.code ?? 'config_invalid'})`);
    }),
  );
}
