/**
 * Puts a content of a configuration document in force: a sample of the gateways that go by it tries it first, all of them follow, and what they
 * route is held against what it says. What fails on the way puts the content from before in force again. A rollback is the same with the content
 * of an earlier revision: history only grows.
 */
import type { z } from 'zod';
import { configPath, configPermission, FairleadError, tenantOfConfig, type configV1 } from '@fairlead/contracts';
import type { Action, JobKind, PlanDraft, Step } from '../engine/kind.js';
import { findOpenJobOn } from '../store/jobs.js';
import type { KindDependencies } from './clients.js';
import { configChecks } from './config-checks.js';
import { applyParams, rollbackParams, type ConfigInputs, type ConfigParams } from './config-document.js';
import {
  awaitAll,
  awaitSample,
  promote,
  resolvesRightly,
  resolvesRightlyEverywhere,
  stage,
  stageStep,
  takeBack,
} from './config-roll-out.js';
import { preflight } from './preflight.js';
import { minuteMs, patient } from './tenants.js';

/** Puts a new content in force. */
export function configApply(deps: KindDependencies): JobKind<z.output<typeof applyParams>, ConfigInputs> {
  return configChange(deps, 'config-apply', applyParams);
}

/** Puts the content of an earlier revision in force again, as a new one. */
export function configRollback(deps: KindDependencies): JobKind<z.output<typeof rollbackParams>, ConfigInputs> {
  return configChange(deps, 'config-rollback', rollbackParams);
}

function configChange<Params extends ConfigParams>(
  deps: KindDependencies,
  name: string,
  params: z.ZodType<Params>,
): JobKind<Params, ConfigInputs> {
  const kind: JobKind<Params, ConfigInputs> = {
    kind: name,
    version: 1,
    permission: 'config.write',
    alsoNeeds: ({ domain }) => [configPermission(domain)],
    params,
    deadlineMs: 30 * minuteMs,
    locks: ({ domain }) => [`config/${domain}`],
    tenantOf: (given) => tenantOfConfig(given),
    readInputs: (given) => readConfigInputs(deps, given),
    plan: planConfigChange,
    steps: steps(deps, () => kind),
  };
  return kind;
}

async function readConfigInputs(deps: KindDependencies, params: ConfigParams): Promise<ConfigInputs> {
  const { domain, name, scope, sha256, revision, expected_revision: expected } = params;
  const identity = { domain, name, scope };
  const [planned, { gateways }, openJobId] = await Promise.all([
    deps.config.planConfig({ identity, sha256 }),
    deps.fleet.getAppliedConfig({ document: configPath(params) }),
    findOpenJobOn(deps.sql, [`config/${domain}`]),
  ]);
  if (expected !== undefined && planned.revision !== expected)
    throw new FairleadError(
      'revision_mismatch',
      `Revision ${String(planned.revision)} of ${configPath(params)} is in force, not ${String(expected)}`,
      { details: { expected, actual: planned.revision } },
    );
  let restored: configV1.ConfigRevision | undefined;
  let afterRestored: configV1.ConfigRevision | undefined;
  if (revision !== undefined) {
    const { revision: earlier } = await deps.config.getConfigRevision({ identity, revision });
    if (earlier?.sha256 !== sha256)
      throw new FairleadError('invalid_argument', `sha256: that is not the content of revision ${String(revision)}`);
    restored = earlier;
    if (revision > 0 && revision < planned.newest)
      afterRestored = (await deps.config.getConfigRevision({ identity, revision: revision + 1 })).revision;
  }
  return { planned, gateways, openJobId, restored, afterRestored };
}

/** Plans the change of a document from what was seen; pure. */
export function planConfigChange(params: ConfigParams, inputs: ConfigInputs): PlanDraft {
  const { planned } = inputs;
  const path = configPath(params);
  return {
    actions: actionsOf(params, planned),
    checks: configChecks(params, inputs),
    impact: {
      tenants: [...planned.tenants],
      services: [...planned.services],
      expectedPauseMs: 0,
      ...(planned.everyTenant ? { everyTenant: true } : {}),
    },
    inputs: [
      { resource: `config/${path}`, revision: planned.revision },
      // 0 while nobody else's change is under way.
      { resource: `config/${path}/staged`, revision: planned.candidateRevision },
    ],
    changes: planned.changes.map(({ op, pointer, before, after }) => ({ op, pointer, before, after })),
  };
}

function actionsOf({ domain, name, scope, sha256, revision }: ConfigParams, planned: configV1.PlanConfigResponse): Action[] {
  const path = configPath({ domain, name, scope });
  const [before, content] = [`revision ${String(planned.revision)}`, `content ${sha256.slice(0, 12)}…`];
  const what = revision === undefined ? content : `${content} of revision ${String(revision)}`;
  const told: [string, string][] = [
    ['backup', `see that ${before} of ${path} (sha256 ${planned.currentSha256.slice(0, 12)}…) is there to be restored`],
    [stageStep, `write the ${what} as the next revision of ${path}, if ${before} is still in force`],
  ];
  if (planned.followedByGateways)
    told.push([
      'try',
      'have one in ten of the gateways that go by the document, one at least, go by the new revision, and see what they route',
    ]);
  told.push(['promote', `put the new revision of ${path} in force`]);
  if (planned.followedByGateways)
    told.push([
      'verify',
      `wait until every gateway that is alive goes by it and routes by it; if not, put the content of ${before} in force again`,
    ]);
  return told.map(([name, description]) => ({ name, description, kind: '', fromShardId: '', toShardId: '' }));
}

function steps<Params extends ConfigParams>(deps: KindDependencies, kind: () => JobKind<Params, ConfigInputs>): Step<Params>[] {
  const onlyLooks = { none: 'it only looks' };
  const waits = { attemptTimeoutMs: 60_000, timeoutMs: 2 * minuteMs, retry: patient, undo: onlyLooks };
  return [
    preflight<Params>(kind),
    {
      name: 'backup',
      attemptTimeoutMs: 10_000,
      timeoutMs: minuteMs,
      retry: patient,
      run: async ({ params, plan, signal }) => {
        const revision = plan.inputs[0]?.revision ?? 0;
        const { revision: kept } = await deps.config.getConfigRevision({ identity: params, revision }, { signal });
        return { outcome: 'done', output: { revision, sha256: kept?.sha256 ?? '' } };
      },
      undo: onlyLooks,
    },
    {
      name: stageStep,
      attemptTimeoutMs: 10_000,
      timeoutMs: minuteMs,
      retry: patient,
      run: (context) => stage(deps, context),
      undoTimeoutMs: deps.settings.undoTimeoutMs,
      undo: (context) => takeBack(deps, context),
    },
    { name: 'wait-sample', ...waits, run: (context) => awaitSample(deps, context) },
    { name: 'verify-sample', ...waits, run: (context) => resolvesRightly(deps, context) },
    {
      name: 'promote',
      attemptTimeoutMs: 10_000,
      timeoutMs: minuteMs,
      retry: patient,
      run: (context) => promote(deps, context),
      undoTimeoutMs: deps.settings.undoTimeoutMs,
      undo: (context) => takeBack(deps, context),
    },
    { name: 'wait-gateways', ...waits, run: (context) => awaitAll(deps, context) },
    { name: 'verify', ...waits, run: (context) => resolvesRightlyEverywhere(deps, context) },
  ];
}
