import type { Command } from 'commander';
import type { VerifiedChain } from '../chain-api.js';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { list } from '../options.js';
import { verifyFile } from '../verify-file.js';
import { verifySegmentsIn } from '../verify-segments.js';
import { renderVerified } from '../view/chain.js';

interface VerifyOptions {
  readonly file?: string;
  readonly segments?: string;
  readonly key?: string;
  readonly anchors?: string;
  readonly acceptRestored?: readonly string[];
  readonly allowUnanchored?: boolean;
  readonly allowShorter?: boolean;
}

/** `fairlead audit verify` */
export function auditVerify(parent: Command, run: Run): void {
  parent
    .command('verify')
    .description('check that the log is what was anchored of it; the exit code is 1 when it is not')
    .option('--file <file>', 'check an export instead, without any server')
    .option('--segments <folder>', 'check the sealed segments of a folder instead, without any server')
    .option('--key <jwks>', 'the file with the public keys that its anchors are to be signed with')
    .option('--anchors <file>', 'hold it also against an anchor file that was kept elsewhere')
    .option('--accept-restored <incarnations>', 'incarnations that are known to have begun by a restore', list)
    .option('--allow-unanchored', 'accept an export most of which no anchor covers')
    .option('--allow-shorter', 'accept an export that ends before the anchor file does: an older one, or a range')
    .addHelpText(
      'after',
      `
It changes nothing and may be ended at any time. A restore of the database takes anchored events away; so does whoever cuts off
the log and calls it a restore. So each is told, and fails the check until it is named with --accept-restored.

Examples:
  fairlead audit verify
  fairlead audit export --out trail.jsonl
  fairlead audit verify --file trail.jsonl --key trust.jwks.json --anchors anchors.jsonl
  fairlead audit verify --segments segments --key trust.jwks.json
`,
    )
    .action((options: VerifyOptions, command: Command) => run(command, (context) => verify(context, options)));
}

async function verify(context: Context, options: VerifyOptions): Promise<void> {
  const { file, segments, key, anchors, acceptRestored = [], allowUnanchored = false, allowShorter = false } = options;
  if (segments !== undefined) {
    if (file !== undefined || anchors !== undefined || allowUnanchored || allowShorter)
      throw new CliError('--anchors and what is allowed belong to --file, which --segments takes the place of', exitCodes.usage);
    if (key === undefined) throw new CliError('--segments needs --key: the public keys that they are to be signed with', exitCodes.usage);
    await verifySegmentsIn(context, { folder: segments, key, acceptRestored });
    return;
  }
  if (file === undefined) {
    if (key !== undefined || anchors !== undefined || allowUnanchored || allowShorter)
      throw new CliError('--key, --anchors and what is allowed belong to --file or --segments', exitCodes.usage);
    await verifyOnline(context, acceptRestored);
    return;
  }
  if (key === undefined) throw new CliError('--file needs --key: the public keys that anchors are to be signed with', exitCodes.usage);
  await verifyFile(context, { file, key, anchors, acceptRestored, allowUnanchored, allowShorter });
}

async function verifyOnline({ api, terminal, json }: Context, accepted: readonly string[]): Promise<void> {
  const client = api();
  let checked: VerifiedChain;
  let next: string | undefined;
  do {
    const before = next;
    checked = await client.verifyChain(next);
    next = checked.next ?? undefined;
    if (next !== undefined && next === before) throw new CliError('the gateway does not get on with the check');
    if (next !== undefined) terminal.err(`checked up to ${checked.position} of ${checked.head}\n`);
  } while (next !== undefined);
  const restored = checked.restored.filter(({ incarnation }) => !accepted.includes(incarnation));
  const unproven = checked.anchor === null && checked.head > 0;
  if (checked.broken !== null || restored.length > 0 || unproven) terminal.failing();
  terminal.out(json ? `${JSON.stringify(checked, null, 2)}\n` : renderVerified(checked));
  if (checked.broken !== null) throw new CliError(`the log is not what was recorded: ${checked.broken.kind}`);
  if (unproven) throw new CliError('no anchor covers the log: nothing but the database itself says that it is true');
  if (restored.length > 0) throw new CliError('anchored events are gone since a restore that was not named with --accept-restored');
}
