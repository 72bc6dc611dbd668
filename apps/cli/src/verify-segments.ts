/** Checks the sealed segments of a folder with nothing but the folder and a key set. */
import { createAnchorVerifier, createManifestVerifier, verifySegments, type SegmentsReport } from '@fairlead/audit-chain';
import type { Context } from './context.js';
import { CliError } from './exit.js';
import { keysOf, readable } from './verify-file.js';
import { printable } from './view/text.js';

interface SegmentsOptions {
  readonly folder: string;
  /** The file of the key set. */
  readonly key: string;
  readonly acceptRestored: readonly string[];
}

/** Verifies the segments and prints what they come to. Throws CliError when something is wrong with them. */
export async function verifySegmentsIn({ terminal, json }: Context, { folder, key, acceptRestored }: SegmentsOptions): Promise<void> {
  await readable(folder);
  const keys = await keysOf(key);
  const report = await verifySegments({
    folder,
    verifyAnchor: createAnchorVerifier(keys),
    verifyManifest: createManifestVerifier(keys),
    onChecked: ({ to }) => {
      terminal.err(`checked up to ${to}\n`);
    },
  });
  const failed = failureOf(report, acceptRestored);
  if (failed !== undefined) terminal.failing();
  terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : rendered(report));
  if (failed !== undefined) throw new CliError(failed);
}

/** Why the segments do not pass; undefined when they do. */
function failureOf({ finding, segments, restored }: SegmentsReport, acceptRestored: readonly string[]): string | undefined {
  if (finding !== undefined) return `the segments are not what was sealed: ${finding.kind}`;
  if (segments === 0) return 'there are no segments in the folder';
  if (restored.some(({ incarnation }) => !acceptRestored.includes(incarnation)))
    return 'anchored events are gone since a restore that was not named with --accept-restored';
  return undefined;
}

function rendered({ from, to, segments, prior, hash, finding, kids, restored }: SegmentsReport): string {
  const lines = [
    ...restored.map(
      ({ incarnation, after, lost }) =>
        `restored: incarnation ${incarnation} of the log began after position ${after}; what was anchored behind it, up to ${lost?.position ?? after}, is not in it`,
    ),
    ...(finding === undefined ? [] : [`${finding.manifest ?? 'the folder'}  ${finding.kind}  ${finding.message}`]),
    segments === 0
      ? 'no segment was found to be as it was'
      : `positions ${from} to ${to}, in ${segments} segments, are as they were recorded and sealed, signed with ${kids.join(', ')}`,
    ...(segments === 0 ? [] : [`the chain goes from ${from === 1 ? 'its beginning' : prior} to ${hash}`]),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}
