import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { position } from '../options.js';

interface ExportOptions {
  readonly out: string;
  readonly from?: number;
  readonly to?: number;
}

/** `fairlead audit export` */
export function auditExport(parent: Command, run: Run): void {
  parent
    .command('export')
    .description('write events with their hashes and anchors to a file, which audit verify --file checks without a server')
    .requiredOption('--out <file>', 'the file; one that is there is replaced once all has come')
    .option('--from <position>', 'from this position on', position)
    .option('--to <position>', 'up to this position', position)
    .addHelpText(
      'after',
      '\nThe trail tells who exported what. Events of users hold e-mail addresses: keep the file as safe as the trail.\n',
    )
    .action((options: ExportOptions, command: Command) => run(command, (context) => exportTo(context, options)));
}

async function exportTo({ api, terminal, print }: Context, { out, from, to }: ExportOptions): Promise<void> {
  const draft = `${out}.${randomBytes(4).toString('hex')}.part`;
  const stream = await api().exportAudit({ from, to }, new AbortController().signal);
  const handle = await open(draft, 'wx', 0o600).catch(async (cause: unknown) => {
    await stream.cancel();
    throw new CliError(`${out} can't be written (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, exitCodes.usage, { cause });
  });
  try {
    const written = await copy(stream, handle, (bytes) => {
      terminal.err(`${Math.round(bytes / 1_048_576)} MB so far\n`);
    });
    await handle.sync();
    await handle.close();
    await rename(draft, out);
    print({ file: out, ...written }, () => `${written.bytes} bytes are in ${out}; its SHA-256 is ${written.sha256}\n`);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error instanceof CliError ? error : new CliError(brokeOff, exitCodes.failed, { cause: error });
  }
}

const brokeOff =
  'the export broke off; nothing was kept of it. It has to come within the life of a token, 60 s with an API token: take a large log in ranges, with --from and --to, some 200000 positions each';

const tellEvery = 64 * 1_048_576;

/** Copies all that comes. Throws CliError unless its last line is that of an export. */
async function copy(
  stream: ReadableStream<Uint8Array>,
  handle: FileHandle,
  tell: (bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let [bytes, told, end] = [0, 0, ''];
  for await (const chunk of stream) {
    await handle.writeFile(chunk);
    hash.update(chunk);
    bytes += chunk.length;
    end = (end + Buffer.from(chunk.subarray(-4_096)).toString('latin1')).slice(-4_096);
    if (bytes - told >= tellEvery) tell((told = bytes));
  }
  const last = end.slice(0, -1).split('\n').at(-1) ?? '';
  if (!end.endsWith('\n') || !last.includes('"end":true')) throw new CliError(brokeOff);
  return { bytes, sha256: hash.digest('hex') };
}
