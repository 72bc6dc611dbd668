import { describeError, namePattern, type ServiceKind } from '@fairlead/contracts';
import { Broken, NotChecked } from './broken.js';
import type { Bench, Rule } from './rule.js';
import { commandRules } from './rules/commands.js';
import { everyServiceRules } from './rules/every-service.js';
import { fenceRules } from './rules/fences.js';
import { definitionRules } from './rules/definitions.js';
import { gatewayRules } from './rules/gateways.js';
import { handOverRules } from './rules/handing-over.js';
import { tenantLifeRules } from './rules/tenant-life.js';
import { Service } from './service.js';
import { TestTenant, testTenant, type Shared, type TenantCopy } from './test-tenant.js';

/** All rules of the fleet contract, in its order. */
export const rules: readonly Rule[] = [
  ...[...everyServiceRules, ...tenantLifeRules, ...fenceRules],
  ...[...handOverRules, ...commandRules, ...gatewayRules, ...definitionRules],
];

export interface ConformanceOptions {
  readonly kind: ServiceKind;
  /** One endpoint of the service; of a shard the one that takes administrative commands. */
  readonly url: string;
  /** An endpoint of another shard of the kind, which the test tenant is handed over to. */
  readonly peerUrl?: string;
  readonly fleetToken: string;
  readonly tenantId: string;
  /** The test tenant's copy, for a shard that does not have it. */
  readonly copy?: TenantCopy;
  /** Where numbered commands are sent to, with `{tenant}` in the place of the tenant's id. */
  readonly commandPath?: string;
  /** The rules to check, by their ids; all when left out. */
  readonly only?: readonly string[];
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** How long a drain, or a command's effect, may take. */
  readonly settleMs: number;
  /** Ends the check after the rule that is being looked at; the tenant is removed all the same. */
  readonly signal?: AbortSignal;
  readonly onVerdict?: (verdict: RuleVerdict) => void;
}

export interface RuleVerdict {
  readonly rule: string;
  readonly mandatory: boolean;
  readonly title: string;
  readonly verdict: 'pass' | 'fail' | 'not_checked';
  /** With `fail`. */
  readonly expected?: string;
  readonly got?: string;
  /** With `not_checked`. */
  readonly why?: string;
  /** Not checked, though it can be when the service and the test tenant are well. */
  readonly missing?: boolean;
}

export interface ConformanceReport {
  readonly verdicts: readonly RuleVerdict[];
  /** No mandatory rule is broken, and none that can be checked was left out. */
  readonly conforms: boolean;
  /** What could not be removed afterwards, and why; undefined when nothing is left. */
  readonly leftBehind?: string;
  /** The test tenant's last copy: with it a later check can begin where the tenant is gone. */
  readonly copy?: TenantCopy;
}

/**
 * Checks a service against the fleet contract, rule by rule, and removes its test tenant whatever comes. Throws NotChecked when
 * it can't begin: nobody answers, or the tenant is not one for tests.
 */
export async function checkConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const bench = benchOf(options);
  await mayBegin(options, bench);
  const verdicts: RuleVerdict[] = [];
  let leftBehind: string | undefined;
  try {
    for (const rule of rules.filter((one) => concerns(one, options))) {
      const verdict = await judge(rule, bench, options);
      verdicts.push(verdict);
      options.onVerdict?.(verdict);
    }
  } finally {
    leftBehind = await cleanUp(bench);
  }
  const conforms = verdicts.every(({ mandatory, verdict, missing }) => !mandatory || (verdict !== 'fail' && missing !== true));
  return { verdicts, conforms, leftBehind, copy: bench.tenant.shared.copy };
}

function concerns({ id, of }: Rule, { kind, only }: ConformanceOptions): boolean {
  const groups = ['every', kind === 'gateway' ? 'gateways' : 'shards', ...(kind === 'runner' ? ['runners'] : [])];
  return (only?.includes(id) ?? true) && groups.includes(of);
}

function benchOf(options: ConformanceOptions): Bench {
  const { kind, tenantId, commandPath, settleMs, copy, fleetToken: token, timeoutMs } = options;
  const shared: Shared = { id: tenantId, kind, commandPath, settleMs, fence: 1, copy };
  const service = new Service(options.url, { token, timeoutMs });
  const peer = options.peerUrl === undefined ? undefined : new TestTenant(new Service(options.peerUrl, { token, timeoutMs }), shared);
  return { kind, service, tenant: new TestTenant(service, shared), peer };
}

/** Sees that somebody answers, and that the tenant is no customer's. */
async function mayBegin({ kind, tenantId }: ConformanceOptions, { service, tenant, peer }: Bench): Promise<void> {
  for (const one of [service, peer?.service]) {
    await one?.get('/health').catch((error: unknown) => {
      throw new NotChecked(`nobody answers at ${one.url}: ${reasonOf(error)}`);
    });
  }
  if (kind === 'gateway') return;
  if (!namePattern.test(tenantId)) throw new NotChecked(`${tenantId} is not a tenant id`);
  for (const one of [tenant, peer]) {
    if (one === undefined) continue;
    // Of a tenant for tests a status that can't be read is what T1 is about; another one may be a customer's.
    const status = await one.status().catch((error: unknown) => {
      if (tenantId.startsWith(testTenant)) return undefined;
      throw new NotChecked(`${one.service.url} does not tell what the tenant ${tenantId} is: ${service.withoutToken(reasonOf(error))}`);
    });
    if (status === undefined) continue;
    if (status.lastSeq > 0 && !tenantId.startsWith(testTenant))
      throw new NotChecked(
        `the tenant ${tenantId} has done work, so it is none for tests; one whose id begins with ${testTenant} may have`,
      );
    tenant.shared.fence = Math.max(tenant.shared.fence, status.fence + 1);
  }
}

async function judge(rule: Rule, bench: Bench, { signal, commandPath }: ConformanceOptions): Promise<RuleVerdict> {
  const { id, mandatory, title } = rule;
  const notChecked = (why: string, missing = false): RuleVerdict => ({ rule: id, mandatory, title, verdict: 'not_checked', why, missing });
  if ('unseen' in rule) return notChecked(rule.unseen);
  if (rule.sendsCommands === true && commandPath === undefined) return notChecked('nobody said where commands go to (--commands)');
  if (signal?.aborted === true) return notChecked('the check was ended before', true);
  try {
    await rule.check(bench);
    return { rule: id, mandatory, title, verdict: 'pass' };
  } catch (error) {
    const redacted = (text: string) => bench.service.withoutToken(text);
    if (error instanceof Broken)
      return { rule: id, mandatory, title, verdict: 'fail', expected: redacted(error.expected), got: redacted(error.got) };
    if (error instanceof NotChecked) return notChecked(redacted(error.message), !mandatory ? undefined : true);
    throw error;
  }
}

async function cleanUp({ kind, service, tenant, peer }: Bench): Promise<string | undefined> {
  if (kind === 'gateway') return undefined;
  const left: string[] = [];
  for (const one of [tenant, peer]) {
    await one?.cleanUp().catch((error: unknown) => {
      left.push(`the tenant ${one.id} at ${one.service.url}: ${service.withoutToken(reasonOf(error))}`);
    });
  }
  return left.length === 0 ? undefined : left.join('; ');
}

const reasonOf = (error: unknown) => (error instanceof Broken || error instanceof NotChecked ? error.message : describeError(error));
