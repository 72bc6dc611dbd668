/** The checks that several kinds share: pure, from what was measured to a verdict. */
import { FairleadError, type fleetV1, type provisionerV1 } from '@fairlead/contracts';
import type { Check } from '../engine/kind.js';

type Verdict = Check['verdict'];

function check(name: string, verdict: Verdict, value: string, limit: string, message: string): Check {
  return { name, verdict, value, limit, message };
}

/** `1 tenant`, `5 tenants`. */
export const counted = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** One sentence for a pass, another one for the rest. */
function judge(
  name: string,
  ok: boolean,
  otherwise: Verdict,
  value: string,
  limit: string,
  passMessage: string,
  failMessage: string,
): Check {
  return check(name, ok ? 'pass' : otherwise, value, limit, ok ? passMessage : failMessage);
}

export interface Limits {
  maxLag: number;
  maxInflight: number;
}

/** An endpoint whose state changes again and again, or whose process does not last, may be ready at the moment that it is looked at. */
function steadyCheck(kind: string, shardId: string, endpoints: readonly fleetV1.EndpointHealth[]): Check {
  const unsteady = endpoints.filter(({ condition }) => condition === 'flapping' || condition === 'crash_looping');
  // A crash loop explains why states change.
  const worst = unsteady.find(({ condition }) => condition === 'crash_looping') ?? unsteady[0];
  const named = unsteady.map(({ endpointId, condition }) => `${endpointId} is ${condition.replace('_', ' ')}`).join(', ');
  return judge(
    `${kind}.target_steady`,
    unsteady.length === 0,
    'warn',
    worst?.condition ?? 'steady',
    'steady',
    `${kind} ${shardId} is steady`,
    `${kind} ${shardId} is not steady: ${named}`,
  );
}

/** Is a shard fit to take a tenant: reachable, healthy, ready, steady, not too busy. */
export function targetChecks(kind: string, shardId: string, endpoints: readonly fleetV1.EndpointHealth[], limits: Limits): Check[] {
  const name = `${kind} ${shardId}`;
  const reachable = endpoints.length > 0 && endpoints.every((endpoint) => endpoint.reachable);
  const healthy = reachable && endpoints.every((endpoint) => endpoint.healthy);
  const ready = reachable && endpoints.every((endpoint) => endpoint.ready);
  // Not measured is not zero: a shard too busy to tell is the last to take a tenant.
  const measured = reachable && endpoints.every((endpoint) => endpoint.problem === '');
  const lag = Math.max(0, ...endpoints.map((endpoint) => endpoint.lag));
  const inflight = Math.max(0, ...endpoints.map((endpoint) => endpoint.inflight));
  const problem = endpoints.find((endpoint) => endpoint.problem !== '')?.problem ?? 'it has no endpoint';
  const state = !reachable ? 'unreachable' : healthy ? 'healthy' : 'unhealthy';
  return [
    judge(
      `${kind}.target_healthy`,
      healthy,
      'block',
      state,
      'healthy',
      `${name} is healthy`,
      `${name} is ${state}${reachable ? '' : ` (${problem})`}`,
    ),
    judge(`${kind}.target_ready`, ready, 'block', ready ? 'ready' : 'not ready', 'ready', `${name} is ready`, `${name} is not ready`),
    steadyCheck(kind, shardId, endpoints),
    judge(
      `${kind}.target_lag`,
      measured && lag <= limits.maxLag,
      'block',
      measured ? String(lag) : 'unknown',
      `≤ ${String(limits.maxLag)}`,
      `${name} keeps up`,
      measured ? `${name} is ${String(lag)} behind, more than ${String(limits.maxLag)}` : `how far ${name} is behind is not known`,
    ),
    judge(
      `${kind}.target_inflight`,
      measured && inflight <= limits.maxInflight,
      'block',
      measured ? String(inflight) : 'unknown',
      `≤ ${String(limits.maxInflight)}`,
      `${name} has room`,
      measured
        ? `${name} has ${String(inflight)} requests in work, more than ${String(limits.maxInflight)}`
        : `how much ${name} has in work is not known`,
    ),
  ];
}

/** Is the tenant in the state the job starts from, and near enough to being drained. `undefined`: the shard did not answer. */
export function originChecks(
  kind: string,
  shardId: string,
  state: provisionerV1.TenantState | undefined,
  expected: readonly string[],
  limits: Limits,
): Check[] {
  const name = `${kind} ${shardId}`;
  const found = state?.state ?? 'no answer';
  const lag = state?.lag ?? 0;
  return [
    judge(
      `${kind}.origin_state`,
      expected.includes(found),
      'block',
      found,
      expected.join(' or '),
      `the tenant is ${found} on ${name}`,
      `the tenant is not ${expected.join(' or ')} on ${name}: ${found}`,
    ),
    judge(
      `${kind}.origin_lag`,
      lag <= limits.maxLag,
      'block',
      String(lag),
      `≤ ${String(limits.maxLag)}`,
      `the tenant can drain from ${name}`,
      `the tenant has ${String(lag)} unapplied on ${name}, more than ${String(limits.maxLag)}`,
    ),
  ];
}

/** Warns when another job is on the tenant: this one will wait for it. */
export function noOtherJob(openJobId: string | undefined): Check {
  return judge(
    'no_running_job',
    openJobId === undefined,
    'warn',
    openJobId ?? 'none',
    'none',
    'no other job is on the tenant',
    `job ${openJobId ?? ''} is on the tenant; this one would wait for it`,
  );
}

/** The name of the check that `gatewaysAlive` makes. */
export const gatewaysCheck = 'gateways_alive';

/** At least one gateway must be alive to learn of a new placement; the others are listed. */
export function gatewaysAlive(gateways: readonly fleetV1.GatewayPlacement[]): Check {
  const alive = gateways.filter((gateway) => gateway.alive);
  const away = gateways.filter((gateway) => !gateway.alive).map((gateway) => gateway.endpointId);
  const value = `${String(alive.length)} of ${String(gateways.length)}`;
  if (alive.length === 0) return check(gatewaysCheck, 'block', value, '≥ 1', 'no gateway is alive to learn of the new placement');
  return judge(
    gatewaysCheck,
    away.length === 0,
    'warn',
    value,
    'all',
    'all gateways are alive',
    `not alive, and not waited for: ${away.join(', ')}`,
  );
}

/** The checks that only say that NATS, or Postgres, is or was just away. */
export const publicationCheck = 'placement_published';
export const configPublicationCheck = 'config_published';
const publicationChecks: readonly string[] = [publicationCheck, configPublicationCheck];

/** Nothing is known against a plan but that gateways can't learn of it yet: that passes, and nobody is paused meanwhile. */
export function waitsForPublication(error: unknown): error is FairleadError {
  return blocksAre(error, (name) => publicationChecks.includes(name));
}

/** Nothing is known against a plan but that a shard is not fit to take a tenant at present, which passes where it only starts anew. */
export function waitsForTarget(error: unknown): error is FairleadError {
  return blocksAre(error, (name) => publicationChecks.includes(name) || targetCheck.test(name));
}

const targetCheck = /\.target_(healthy|ready|lag|inflight)$/;

function blocksAre(error: unknown, passing: (name: string) => boolean): error is FairleadError {
  if (!(error instanceof FairleadError) || error.code !== 'plan_blocked') return false;
  const checks = error.details['checks'];
  return Array.isArray(checks) && checks.every(({ name }: Check) => passing(name));
}

/** Gateways must be able to learn of the new placement: past the update a tenant would wait for them, paused. */
export function placementPublished(problem: string): Check {
  const ok = problem === '';
  return judge(
    publicationCheck,
    ok,
    'block',
    ok ? 'published' : problem,
    'published',
    'changes of placement reach the gateways',
    `changes of placement do not reach the gateways: ${problem}`,
  );
}
