/** Which configuration document a command is about, and its text. */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { describeError } from '@fairlead/contracts';
import { CliError, exitCodes } from './exit.js';

/** What addDocumentOptions yields. */
export interface DocumentOptions {
  readonly name?: string;
  readonly scope?: string;
}

/** Which document of a domain. */
export function addDocumentOptions(command: Command): Command {
  return command
    .option('--name <name>', 'the document of that name (default: default)')
    .option('--scope <scope>', 'platform, or tenants/ and a tenant (default: platform)');
}

/** The document, as it is asked for. */
export function documentOf({ name, scope }: DocumentOptions): DocumentOptions {
  return { ...(name === undefined ? {} : { name }), ...(scope === undefined ? {} : { scope }) };
}

/** The number of a revision; 0 is the domain's defaults. */
export function revisionNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('The number of a revision is expected.');
  return Number(value);
}

/** A file's text, and how it is to be read: as YAML when its name ends so, else as JSON. Throws a CliError when it can't be read. */
export async function readDocument(file: string): Promise<{ text: string; format: 'json' | 'yaml' }> {
  const format = ['.yaml', '.yml'].includes(extname(file).toLowerCase()) ? 'yaml' : 'json';
  try {
    return { text: await readFile(file, 'utf8'), format };
  } catch (error) {
    throw new CliError(`${file} can't be read: ${describeError(error)}`, exitCodes.usage);
  }
}
