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
}

/** Verifies the export and prints what it comes to. Throws CliError when something is wrong with it. */
export async function verifyFile({ terminal, json }: Context, { file, key, anchors, acceptRestored }: FileOptions): Promise<void> {
  for (const path of [file, ...(anchors === undefined ? [] : [anchors])]) await readable(path);
  const verify = createAnchorVerifier(await keysOf(key));
  const report = await verifyExport({
    lines: () => linesOf(file),
    verify,
    anchorLines: anchors === undefined ? undefined : () => linesOf(anchors),
  });
  const restored = report.restored.filter(({ incarnation }) => !acceptRestored.includes(incarnation));
  const unproven = report.anchored === undefined && report.to >= report.from;
  if (report.finding !== undefined || restored.length > 0 || unproven) terminal.failing();
  terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : rendered(report));
  if (report.finding !== undefined)
    throw new CliError(`the export is not what was recorded: ${report.finding.kind} at line ${report.finding.line}`);
  if (unproven) throw new CliError('no anchor covers the export: nothing but the file itself says that it is true');
  if (restored.length > 0) throw new CliError('anchored events are gone since a restore that was not named with --accept-restored');
}

async function readable(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new CliError(`${path} can't be read (${codeOf(cause)})`, exitCodes.usage, { cause });
  });
}

async function keysOf(path: string): Promise<ReturnType<typeof parseJwks>> {
  try {
    return parseJwks(await readFile(path, 'utf8'));
  } catch (cause) {
    const code = codeOf(cause);
    throw new CliError(`${path} ${code === '' ? 'is not a set of public keys' : `can't be read (${code})`}`, exitCodes.usage, { cause });
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';

function rendered({ from, to, checked, finding, anchored, kids, restored }: ExportReport): string {
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
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}
