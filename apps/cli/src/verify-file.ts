/** Checks an export with nothing but the file and a key set. */
import { access, readFile } from 'node:fs/promises';
import { createAnchorVerifier, verifyExport, type ExportReport } from '@fairlead/audit-chain';
import { parseJwks } from '@fairlead/auth';
import type { Context } from './context.js';
import { CliError, exitCodes } from './exit.js';
import { linesOf } from './file-lines.js';
import { printable } from './view/text.js';

interface FileOptions {
  readonly file: string;
  /** The file of the key set. */
  readonly key: string;
  readonly anchors?: string;
  readonly acceptRestored: readonly string[];
  /** Events behind the last anchor may span any time. */
  readonly allowUnanchored: boolean;
  /** The anchor file may go on behind the export. */
  readonly allowShorter: boolean;
}

/** An anchor is made every minute: what waits for one spans no longer than this, unless the setting says more. */
const maxUnanchoredMs = 5 * 60_000;

/** Verifies the export and prints what it comes to. Throws CliError when something is wrong with it. */
export async function verifyFile({ terminal, json }: Context, options: FileOptions): Promise<void> {
  const { file, key, anchors } = options;
  for (const path of [file, ...(anchors === undefined ? [] : [anchors])]) await readable(path);
  const verify = createAnchorVerifier(await keysOf(key));
  const report = await verifyExport({
    lines: () => linesOf(file),
    verify,
    anchorLines: anchors === undefined ? undefined : () => linesOf(anchors),
  });
  const failed = failureOf(report, options);
  if (failed !== undefined) terminal.failing();
  terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : rendered(report));
  if (failed !== undefined) throw new CliError(failed);
}

/** Why the export does not pass; undefined when it does. */
function failureOf(report: ExportReport, { acceptRestored, allowUnanchored, allowShorter }: FileOptions): string | undefined {
  const { finding, anchored, unanchored, beyond, restored, from, to } = report;
  if (finding !== undefined) return `the export is not what was recorded: ${finding.kind} at line ${finding.line}`;
  if (anchored === undefined && to >= from) return 'no anchor covers the export: nothing but the file itself says that it is true';
  if (restored.some(({ incarnation }) => !acceptRestored.includes(incarnation)))
    return 'anchored events are gone since a restore that was not named with --accept-restored';
  // A span that is no number is none that could be looked at.
  if (!allowUnanchored && unanchored !== undefined && !(unanchored.spanMs <= maxUnanchoredMs))
    return 'the events behind the last anchor took longer than anchors do: they may be forged. --allow-unanchored accepts that';
  if (!allowShorter && beyond !== undefined && from === 1)
    return 'the anchor file goes on behind the export: its end may have been cut off. --allow-shorter accepts that, for an older export or a range';
  return undefined;
}

/** Throws CliError unless there is something at a path that may be read. */
export async function readable(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new CliError(`${path} can't be read (${codeOf(cause)})`, exitCodes.usage, { cause });
  });
}

/** The key set in a file. Throws CliError for what is none. */
export async function keysOf(path: string): Promise<ReturnType<typeof parseJwks>> {
  try {
    return parseJwks(await readFile(path, 'utf8'));
  } catch (cause) {
    const code = codeOf(cause);
    throw new CliError(`${path} ${code === '' ? 'is not a set of public keys' : `can't be read (${code})`}`, exitCodes.usage, { cause });
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

function rendered({ from, to, checked, finding, anchored, beyond, kids, restored }: ExportReport): string {
  const lines = [
    ...restored.map(
      ({ incarnation, after, lost }) =>
        `restored: incarnation ${incarnation} of the log began after position ${after}; what was anchored behind it, up to ${lost?.position ?? after}, is not in it`,
    ),
    ...(finding === undefined
      ? []
      : [
          `line ${finding.line}${finding.position === undefined ? '' : `, position ${finding.position}`}  ${finding.kind}  ${finding.message}`,
        ]),
    checked === 0
      ? 'no event was found to be as it was'
      : `positions ${from} to ${from + checked - 1} of ${from} to ${to} are as they were recorded`,
    anchored === undefined
      ? 'none of them is anchored'
      : `anchored up to position ${anchored.position}, by an anchor of ${anchored.time}, signed with ${kids.join(', ')}`,
    ...(anchored !== undefined && anchored.position < to
      ? [`${to - anchored.position} events behind it are not anchored: they only fit together`]
      : []),
    ...(beyond === undefined
      ? []
      : [
          `the anchor file goes on up to position ${beyond.position}, of ${beyond.time}: the ${beyond.position - to} events behind position ${to} are not in the export`,
        ]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}
