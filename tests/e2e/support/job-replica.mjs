// The job orchestrator as a process of its own, over a toy kind, so that it can be killed or paused: node job-replica.mjs, with
// the service's settings and the URL of an effect sink in REPLICA_SETTINGS; tells its addresses by IPC.
import { loadConfig } from '@fairlead/config';
import { FairleadError } from '@fairlead/contracts';
import { configSchema, createService } from '@fairlead/job-orchestrator';
import { createLogger } from '@fairlead/telemetry';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const { settings, sink, logLevel = 'fatal' } = JSON.parse(process.env['REPLICA_SETTINGS'] ?? '');

/** Works for a while and acts at the sink. A rude one looks neither at its signal nor at the time: a late effect is up to the sink. */
async function act({ params, fence, idempotencyKey, signal }, workMs) {
  await pause(workMs, undefined, params.rude ? {} : { signal });
  const body = JSON.stringify({ key: idempotencyKey, resource: `tenant/${params.tenant}`, fence });
  const response = await fetch(`${sink}/effects`, { method: 'POST', body, ...(params.rude ? {} : { signal }) });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`the sink answered ${String(response.status)}`);
}

/** An effect that takes `work_ms`, and its undo, which takes a quarter of that. */
function step(name, parts = {}) {
  return {
    name,
    attemptTimeoutMs: 20_000,
    timeoutMs: 300_000,
    retry: { maxAttempts: 10, baseDelayMs: 20, maxDelayMs: 500 },
    run: async (context) => {
      await act(context, context.params.work_ms ?? 0);
      // Its effect is there, and nobody knows.
      if (context.params.way === 'flaky' && context.attempt === 1) throw new FairleadError('service_unreachable', 'no answer came');
      return { outcome: 'done' };
    },
    undo: async (context) => {
      await act(context, (context.params.work_ms ?? 0) / 4);
      return { outcome: 'done' };
    },
    ...parts,
  };
}

const settle = step('settle', { pointOfNoReturn: true, undo: { none: 'what is settled stays' } });
const toy = {
  kind: 'toy',
  version: 1,
  permission: 'tenant.migrate',
  params: z.object({ tenant: z.string(), way: z.enum(['works', 'flaky', 'fails']), work_ms: z.number(), rude: z.boolean() }),
  deadlineMs: 600_000,
  locks: ({ tenant }) => [`tenant/${tenant}`],
  tenantOf: ({ tenant }) => tenant,
  readInputs: () => Promise.resolve(1),
  plan: ({ tenant }, revision) => ({
    actions: [],
    checks: [],
    impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
    inputs: [{ resource: 'toy', revision }],
  }),
  steps: [
    step('take'),
    step('act'),
    {
      ...settle,
      run: (context) =>
        context.params.way === 'fails' ? Promise.reject(new FairleadError('tenant_state', 'it can not be settled')) : settle.run(context),
    },
  ],
};

const service = await createService(loadConfig(configSchema, settings), {
  kinds: [toy],
  logger: createLogger({ service: 'job-orchestrator', level: logLevel }),
});
process.send({ grpc: service.grpcAddress, http: service.httpUrl });
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
