import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { describeError, placedKinds, type PlacedKind } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { SenderTrouble } from '../ledger/records.js';
import type { CommandStream, SenderState } from './streams.js';

export interface SenderOptions {
  state: SenderState;
  tenants: readonly string[];
  /** Commands per second, over all streams. */
  ratePerS: number;
  /** The gateways' addresses, used in turn. */
  gateways: () => readonly string[];
  /** Whether a gateway knows where the tenant is. A stream begins only then. */
  isPlaced: (tenant: string, kind: PlacedKind) => boolean;
  logger: Logger;
}

export interface Sender {
  /** Sends nothing new, gives open commands a moment for their acknowledgement, and stops. */
  stop(): Promise<void>;
}

interface Lane {
  stream: CommandStream;
  dueMs: number;
  busy: Promise<void> | undefined;
}

const tickMs = 25;
const firstRetryMs = 20;
const lastRetryMs = 500;
const answerTimeoutMs = 20_000;
/** After this long a caller would have given the command up; it is counted as failed and sent on all the same. */
const patienceMs = 10_000;
const stopWaitMs = 2000;

/**
 * Sends numbered commands: one stream per tenant and kind, one open command each, at an even rate. A command is in the ledger
 * before it is sent, and sent again under its number until it is acknowledged, after a restart too. What a caller would have
 * called a failure is noted as one.
 */
export async function startSender(options: SenderOptions): Promise<Sender> {
  await options.state.started();
  const stopping = new AbortController();
  const agent = new Agent({ connections: 128, keepAliveTimeout: 30_000, headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs });
  const lanes = makeLanes(options);
  const intervalMs = (lanes.length * 1000) / options.ratePerS;
  const deliver = createDelivery(options, agent, stopping.signal);

  const run = async (lane: Lane) => {
    if (lane.stream.sent === lane.stream.acked) await options.state.next(lane.stream);
    if (await deliver(lane.stream)) options.state.acknowledged(lane.stream);
  };
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const lane of lanes) {
      if (lane.busy !== undefined || lane.dueMs > nowMs || !isStarted(lane, options)) continue;
      // A late lane keeps its rhythm but never catches up with a burst.
      lane.dueMs = Math.max(lane.dueMs + intervalMs, nowMs);
      lane.busy = run(lane)
        .catch((error: unknown) => {
          // Its ledger is gone: what it can't write down it must not send.
          clearInterval(timer);
          options.logger.error({ error: describeError(error) }, 'the load generator stopped');
        })
        .finally(() => (lane.busy = undefined));
    }
  }, tickMs);

  return {
    async stop() {
      clearInterval(timer);
      const open = Promise.all(lanes.flatMap(({ busy }) => (busy === undefined ? [] : [busy])));
      await Promise.race([open, sleep(stopWaitMs, undefined, { ref: false })]);
      stopping.abort();
      await agent.destroy();
      await open;
    },
  };
}

function makeLanes({ tenants, state, ratePerS }: SenderOptions): Lane[] {
  const streams = tenants.flatMap((tenant) => placedKinds.map((kind) => state.stream(tenant, kind)));
  const startMs = performance.now();
  return streams.map((stream, index) => ({ stream, dueMs: startMs + (index * 1000) / ratePerS, busy: undefined }));
}

// A stream that has begun goes on whatever the placement says now: what is open has to be finished.
const isStarted = ({ stream }: Lane, { isPlaced }: SenderOptions) => stream.sent > 0 || isPlaced(stream.tenant, stream.kind);

/** Makes the function that delivers a stream's open command; true once it is acknowledged, false when the sender stops. */
function createDelivery(
  { gateways, state }: SenderOptions,
  agent: Agent,
  stopping: AbortSignal,
): (stream: CommandStream) => Promise<boolean> {
  let turn = 0;
  return async (stream) => {
    const isStopping = () => stopping.aborted;
    const startMs = performance.now();
    const noted = new Set<SenderTrouble>();
    const note = (trouble: SenderTrouble) => {
      if (!noted.has(trouble)) state.troubled(stream, trouble);
      noted.add(trouble);
    };
    for (let waitMs = firstRetryMs; !stopping.aborted; waitMs = Math.min(waitMs * 2, lastRetryMs)) {
      const urls = gateways();
      const url = urls[turn++ % urls.length];
      const answer = url === undefined ? 'none' : await send(url, stream, agent);
      // Our own stop broke the connection: nothing is wrong.
      if (isStopping()) return answer === 'done';
      if (answer === 'error' || performance.now() - startMs > patienceMs) note('failed');
      if (answer === 'done') return true;
      if (answer === 'none') note('retried');
      await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    }
    return false;
  };
}

/** `none`: the connection was refused, broke, or brought no answer in time. */
async function send(url: string, { tenant, kind, sent }: CommandStream, agent: Agent): Promise<'done' | 'error' | 'none'> {
  try {
    const response = await request(`${url}/tenants/${tenant}/${kind}/commands`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seq: sent }),
      dispatcher: agent,
    });
    await response.body.dump();
    return response.statusCode === 200 ? 'done' : 'error';
  } catch {
    return 'none';
  }
}
