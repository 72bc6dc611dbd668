/** The steps of a change of configuration: staged for some gateways, promoted for all, and taken back from wherever it is. */
import { configPath, routeOf, routeTable, sampleRoutes, type fleetV1, type RouteTable } from '@fairlead/contracts';
import type { StepContext, StepResult } from '../engine/kind.js';
import type { KindDependencies } from './clients.js';
import type { ConfigParams } from './config-document.js';
import { hasApplied } from './tenant-migrate.js';
import { lookForMs, pause } from './tenants.js';

/** What `takeBack` takes back was staged by a key of this name. */
export const stageStep = 'stage';

/** What the stage step leaves for later ones. */
interface Staged {
  readonly revision: number;
  readonly epoch: number;
  /** Those that try it, as `shard/endpoint`; none where no gateway goes by the document. */
  readonly gateways: readonly string[];
}

type Context = StepContext<ConfigParams>;

/** How long a gateway that has a revision may route by another: it may have begun anew just now. */
const settleMs = 5_000;
/** Requests that are asked of one gateway, and of all together. */
const mostRequests = { ofOne: 100, ofAll: 2_000 };
const pollMs = [10, 15, 25, 40, 60];

const identityOf = ({ domain, name, scope }: ConfigParams) => ({ domain, name, scope });
const nameOf = ({ shardId, endpointId }: { shardId: string; endpointId: string }) => `${shardId}/${endpointId}`;
const stagedOf = (context: Context) => context.outputs[stageStep] as unknown as Staged;
/** Whether gateways go by the document, as the plan says. */
const isFollowed = ({ plan }: Context) => plan.actions.some(({ name }) => name === 'try');
const nobody: StepResult = { outcome: 'done', output: { gateways: [], note: 'no gateway goes by this document' } };

/** Writes the content as a revision that a sample of the gateways tries. */
export async function stage(deps: KindDependencies, context: Context): Promise<StepResult> {
  const { params, plan, signal } = context;
  const gateways = isFollowed(context) ? sampleOf(await following(deps, context)) : [];
  const staged = await deps.config.stageConfig(
    {
      identity: identityOf(params),
      sha256: params.sha256,
      expectedRevision: plan.inputs[0]?.revision ?? 0,
      gateways,
      idempotencyKey: context.idempotencyKey,
      fence: context.fence,
      reason: context.reason,
    },
    { signal },
  );
  return { outcome: 'done', output: { revision: staged.revision, epoch: staged.epoch, gateways: staged.gateways } };
}

/** One in ten of them, one at least: the first by name, so that everybody knows which. */
export function sampleOf(gateways: readonly fleetV1.GatewayConfig[]): string[] {
  return gateways
    .map(nameOf)
    .sort()
    .slice(0, Math.ceil(gateways.length / 10));
}

/** Waits until each gateway of the sample goes by the revision. */
export async function awaitSample(deps: KindDependencies, context: Context): Promise<StepResult> {
  const { gateways: sample } = stagedOf(context);
  if (sample.length === 0) return nobody;
  return look(context, async () => {
    const found = (await following(deps, context)).filter((gateway) => hasApplied(gateway, stagedOf(context))).map(nameOf);
    const behind = sample.filter((name) => !found.includes(name));
    return behind.length === 0 ? { outcome: 'done', output: { gateways: [...sample] } } : `behind: ${behind.join(', ')}`;
  });
}

/** Sees that the gateways of the sample route as the revision says. */
export async function resolvesRightly(deps: KindDependencies, context: Context): Promise<StepResult> {
  const { gateways: sample } = stagedOf(context);
  if (sample.length === 0) return nobody;
  return verdict(context, sample, await misrouted(deps, context, sample));
}

/** Puts the revision in force. */
export async function promote(deps: KindDependencies, context: Context): Promise<StepResult> {
  const { params, fence, reason, signal } = context;
  const { revision } = stagedOf(context);
  // In the message 0 stands for none, and -1 for the defaults, which are revision 0.
  const restoredRevision = params.revision === undefined ? 0 : params.revision === 0 ? -1 : params.revision;
  const promoted = await deps.config.promoteConfig({ identity: identityOf(params), revision, restoredRevision, fence, reason }, { signal });
  return { outcome: 'done', output: { revision: promoted.revision, epoch: promoted.epoch } };
}

/** Waits until every gateway that is alive and goes by documents goes by the revision, or by a later one. */
export async function awaitAll(deps: KindDependencies, context: Context): Promise<StepResult> {
  if (!isFollowed(context)) return nobody;
  return look(context, async () => {
    const all = await gatewaysOf(deps, context);
    const alive = all.filter(isFollowing);
    const problem = behindOf(context, alive);
    if (problem !== undefined) return problem;
    const others = all.filter((gateway) => !isFollowing(gateway)).map(nameOf);
    return { outcome: 'done', output: { gateways: alive.map(nameOf), not_waited_for: others } };
  });
}

/** Sees that every gateway that is alive goes by the revision and routes as it says. */
export async function resolvesRightlyEverywhere(deps: KindDependencies, context: Context): Promise<StepResult> {
  if (!isFollowed(context)) return nobody;
  const alive = await following(deps, context);
  const problem = behindOf(context, alive);
  const names = alive.map(nameOf);
  return verdict(context, names, problem === undefined ? await misrouted(deps, context, names) : [problem]);
}

/**
 * Takes back what was staged: withdraws it, or puts the content from before in force again, as a new revision; then waits until every gateway that is
 * alive goes by what is in force.
 */
export async function takeBack(deps: KindDependencies, context: Context): Promise<StepResult> {
  const { params, fence, reason, signal } = context;
  const identity = identityOf(params);
  await deps.config.revertConfig({ identity, stagedBy: `${context.jobId}:${stageStep}`, fence, reason }, { signal });
  if (!isFollowed(context)) return { outcome: 'done' };
  return look(context, async () => {
    const { revision: inForce } = await deps.config.getConfig({ identity }, { signal });
    const others = (await following(deps, context)).filter(({ revision }) => revision !== (inForce?.revision ?? 0));
    return others.length === 0 ? { outcome: 'done' } : `not yet back: ${others.map(nameOf).join(', ')}`;
  });
}

/** Looks often at first, until it is done; after a while the job rests and tells what is missing. */
async function look(context: Context, once: () => Promise<StepResult | string>): Promise<StepResult> {
  const until = performance.now() + lookForMs;
  let note = '';
  for (let looks = 0; ; looks++) {
    const found = await once();
    if (typeof found !== 'string') return found;
    note = found;
    if (performance.now() >= until) return { outcome: 'wait', delayMs: 200, note };
    await pause(pollMs[Math.min(looks, pollMs.length - 1)] ?? 60, context.signal);
  }
}

function verdict(context: Context, gateways: readonly string[], problems: readonly string[]): StepResult {
  if (problems.length === 0) return { outcome: 'done', output: { gateways: [...gateways] } };
  const told = `${problems.slice(0, 5).join('; ')}${problems.length > 5 ? `; and ${String(problems.length - 5)} more` : ''}`;
  if (context.runningMs < settleMs) return { outcome: 'wait', delayMs: 200, note: told };
  return { outcome: 'failed', error: { code: 'routes_differ', message: told } };
}

/** Why not all gateways have the revision, or undefined. None at all is right only where none was when it was staged. */
function behindOf(context: Context, alive: readonly fleetV1.GatewayConfig[]): string | undefined {
  const staged = stagedOf(context);
  if (alive.length === 0 && staged.gateways.length > 0) return 'no gateway that goes by the document is alive';
  const behind = alive.filter((gateway) => !hasApplied(gateway, staged));
  return behind.length === 0 ? undefined : `behind: ${behind.map(nameOf).join(', ')}`;
}

/** Requests that a gateway sends elsewhere than the document says, in words. Documents other than of `routing` say of none. */
async function misrouted(deps: KindDependencies, context: Context, gateways: readonly string[]): Promise<string[]> {
  const table = await tableOf(deps, context);
  if (table === undefined || gateways.length === 0) return [];
  const most = Math.max(1, Math.min(mostRequests.ofOne, Math.floor(mostRequests.ofAll / gateways.length)));
  const requests = sampleRoutes(table, most);
  const { resolved } = await deps.fleet.resolveRoutes({ gateways: [...gateways], requests }, { signal: context.signal });
  const found = new Map(resolved.map((one) => [keyOf(nameOf(one), one.request), one]));
  return gateways.flatMap((gateway) =>
    requests.flatMap((request) => {
      const [wanted, one] = [routeOf(table, request) ?? '', found.get(keyOf(gateway, request))];
      if (one?.route === wanted) return [];
      const instead = one === undefined ? 'it was not asked' : one.problem === '' ? `it goes by ${one.route}` : one.problem;
      return [`${gateway} is to send ${request.host}${request.path} by route ${wanted}: ${instead}`];
    }),
  );
}

const keyOf = (gateway: string, request: fleetV1.RouteRequest | undefined) => `${gateway} ${request?.host ?? ''} ${request?.path ?? ''}`;

async function tableOf(deps: KindDependencies, { params, outputs, signal }: Context): Promise<RouteTable | undefined> {
  if (params.domain !== 'routing') return undefined;
  const { revision } = outputs[stageStep] as unknown as Staged;
  const { content } = await deps.config.getConfigRevision({ identity: identityOf(params), revision }, { signal });
  return routeTable.parse(JSON.parse(content));
}

const isFollowing = ({ alive, follows }: fleetV1.GatewayConfig) => alive && follows;

async function gatewaysOf(deps: KindDependencies, { params, signal }: Context): Promise<fleetV1.GatewayConfig[]> {
  return (await deps.fleet.getAppliedConfig({ document: configPath(params) }, { signal })).gateways;
}

async function following(deps: KindDependencies, context: Context): Promise<fleetV1.GatewayConfig[]> {
  return (await gatewaysOf(deps, context)).filter(isFollowing);
}
