import { readFile, rename, writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts';
import { checkConformance, NotChecked, rules, testTenant, type ConformanceReport, type TenantCopy } from '@fairlead/fleet-conformance';
import { confirmed } from '../confirm.js';
import type { Context, Run } from '../context.js';
import { CliError, exitCodes } from '../exit.js';
import { list, timeoutMs } from '../options.js';
import { conformancePlan, renderConformance, renderVerdict } from '../view/conformance.js';

export interface ConformanceCommand {
  readonly kind: ServiceKind;
  readonly tokenFile?: string;
  readonly tenant: string;
  readonly peer?: string;
  readonly commands?: string;
  readonly copyFile?: string;
  readonly rules?: readonly string[];
  readonly timeout: number;
  readonly settle: number;
  readonly json?: boolean;
  readonly yes?: boolean;
}

const copySchema = z.object({ tenant_id: z.string(), kind: z.enum(serviceKinds), data: z.string(), sha256: z.string() });

/** `fairlead conformance` */
export function conformance(parent: Command, run: Run): void {
  parent
    .command('conformance <url>')
    .description('check a running managed service against the fleet contract, rule by rule')
    .addOption(new Option('--kind <kind>', 'what the service is').choices(serviceKinds).makeOptionMandatory())
    .option('--token-file <file>', 'the file with the fleet token; else it is taken from FLEET_TOKEN')
    .option('--tenant <tenant>', 'the tenant to check with; it is dropped at the end', testTenant)
    .option('--peer <url>', 'another shard of the kind, to hand the tenant over to')
    .option('--commands <path>', 'where POST {"seq": n} is a command of {tenant}, such as /tenants/{tenant}/commands')
    .option('--copy-file <file>', "the tenant's copy: read when the shard does not have the tenant, and written at the end")
    .option('--rules <ids>', 'check these alone, such as F1,F2', list)
    .addOption(new Option('--timeout <duration>', 'how long an answer may take').argParser(timeoutMs).default(10_000, '10s'))
    .addOption(new Option('--settle <duration>', 'how long a drain may take').argParser(timeoutMs).default(30_000, '30s'))
    .option('--json', 'the same as -o json')
    .option('-y, --yes', 'do not ask for confirmation')
    .addHelpText(
      'after',
      `
It talks to the service alone, not to Fairlead. Of a shard it needs a tenant that the shard has, by placement, or a copy of one in
--copy-file. The exit code is 1 when a mandatory rule is broken or could not be checked, or when something is left behind.

Example:
  fairlead conformance http://10.0.0.7:8080 --kind runner --token-file fleet-token --peer http://10.0.0.8:8080
`,
    )
    .action((url: string, options: ConformanceCommand, command: Command) => run(command, (context) => check(context, url, options)));
}

async function check(context: Context, url: string, options: ConformanceCommand): Promise<void> {
  const { terminal } = context;
  for (const given of [url, options.peer]) if (given !== undefined && !isHttp(given)) throw usage(`not an http(s) URL: ${given}`);
  const unknown = options.rules?.find((id) => !rules.some((rule) => rule.id === id));
  if (unknown !== undefined) throw usage(`--rules: there is no rule ${unknown}`);
  const fleetToken = await tokenOf(context, options);
  const copy = await readCopy(options);
  terminal.err(conformancePlan(url, options));
  if (!(await confirmed(terminal, 'Go on?', options))) throw new CliError('nothing was done');

  const interrupted = new AbortController();
  // The tenant is removed before the command ends, so it does not end at once.
  const onInterrupt = () => {
    terminal.err('ending: the test tenant is removed first\n');
    interrupted.abort();
  };
  process.once('SIGINT', onInterrupt);
  try {
    const report = await checkConformance({
      kind: options.kind,
      url,
      peerUrl: options.peer,
      fleetToken,
      tenantId: options.tenant,
      copy,
      commandPath: options.commands,
      only: options.rules,
      timeoutMs: options.timeout,
      settleMs: options.settle,
      signal: interrupted.signal,
      onVerdict: (verdict) => {
        terminal.err(renderVerdict(verdict));
      },
    });
    await writeCopy(options, report.copy);
    tell(context, options, report);
  } catch (error) {
    if (error instanceof NotChecked) throw new CliError(error.message, exitCodes.failed, { cause: error });
    throw error;
  } finally {
    process.removeListener('SIGINT', onInterrupt);
  }
}

function tell({ terminal, json }: Context, options: ConformanceCommand, report: ConformanceReport): void {
  const { verdicts, conforms, leftBehind } = report;
  if (!conforms || leftBehind !== undefined) terminal.failing();
  const told = { conforms, left_behind: leftBehind ?? null, verdicts: verdicts.map(({ missing: _missing, ...rest }) => rest) };
  terminal.out(json || options.json === true ? `${JSON.stringify(told, null, 2)}\n` : renderConformance(report));
  if (leftBehind !== undefined) throw new CliError(`something is left behind: ${leftBehind}`);
  if (conforms) return;
  const failed = verdicts.filter(({ mandatory, verdict }) => mandatory && verdict === 'fail').map(({ rule }) => rule);
  const missing = verdicts.filter((one) => one.mandatory && one.missing === true).map(({ rule }) => rule);
  throw new CliError(
    [
      ...(failed.length === 0 ? [] : [`the service breaks ${failed.join(', ')}`]),
      ...(missing.length === 0 ? [] : [`could not be checked: ${missing.join(', ')}`]),
    ].join('; '),
  );
}

async function tokenOf({ terminal }: Context, { tokenFile }: ConformanceCommand): Promise<string> {
  const token = tokenFile === undefined ? terminal.env['FLEET_TOKEN'] : await readFile(tokenFile, 'utf8').catch(unreadable(tokenFile));
  if (token === undefined || token.trim() === '') throw usage('the fleet token is needed: --token-file, or FLEET_TOKEN');
  return token.trim();
}

async function readCopy({ copyFile, tenant, kind }: ConformanceCommand): Promise<TenantCopy | undefined> {
  if (copyFile === undefined) return undefined;
  const text = await readFile(copyFile, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return unreadable(copyFile)(error);
  });
  if (text === undefined) return undefined;
  let parsed;
  try {
    parsed = copySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError(`${copyFile} is no copy that this command wrote`, exitCodes.usage, { cause });
  }
  if (parsed.tenant_id !== tenant || parsed.kind !== kind)
    throw usage(`${copyFile} has a copy of ${parsed.tenant_id} as ${parsed.kind}, not of ${tenant} as ${kind}`);
  return { data: parsed.data, sha256: parsed.sha256 };
}

async function writeCopy({ copyFile, tenant, kind }: ConformanceCommand, copy: TenantCopy | undefined): Promise<void> {
  if (copyFile === undefined || copy === undefined) return;
  const beside = `${copyFile}.new`;
  await writeFile(beside, `${JSON.stringify({ tenant_id: tenant, kind, ...copy })}\n`, { mode: 0o600 });
  await rename(beside, copyFile);
}

function isHttp(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}

function unreadable(file: string): (error: unknown) => never {
  return (error) => {
    throw new CliError(`${file} can't be read: ${error instanceof Error ? error.message : ''}`, exitCodes.usage, { cause: error });
  };
}

const usage = (message: string) => new CliError(message, exitCodes.usage);
