// Real: Postgres with a log of 6,000 events of some 2 KiB, NATS, the gateway's HTTP and gRPC servers, and readers who never read.
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { changesPath, changesV1, roles } from '@fairlead/contracts';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { startChangeStage, type ChangeStage } from '../testing/changes.js';

const events = 6_000;
const streams = 40;
/** What a stream that is not read may keep in memory, both ends of its connection included. */
const maxBytes = 1024 * 1024;
const stallMs = 20_000;

let stage: ChangeStage;
/** Started when the log was full: it has none of it in memory. */
let gateway: RunningService;
const closing: (() => void)[] = [];

beforeAll(async () => {
  stage = await startChangeStage({ CHANGE_STREAMS_MAX_PER_PRINCIPAL: '500' }, { stallMs });
  const text = `(select string_agg(md5((n * 100 + k)::text), '') from generate_series(1, 60) k)`;
  await stage.fill(
    events,
    'step_succeeded',
    `jsonb_build_object('tenant_id', 'acme', 'step', 'drain', 'attempt', 1, 'output', jsonb_build_object('text', ${text}))`,
  );
  gateway = await stage.gateway.another();
}, 120_000);

afterAll(async () => {
  await gateway.stop();
  await stage.stop();
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use. */
function memory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function metric(name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${gateway.httpUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*${labels}[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Waits until nothing is given to anybody any more, between two looks. */
async function standstill(transport: string): Promise<void> {
  let before = -1;
  await eventually(
    async () => {
      const now = await metric('fairlead_changes_delivered_total', `transport="${transport}"`);
      const open = await metric('fairlead_change_streams', `transport="${transport}"`);
      const stands = open === streams && now === before;
      before = now;
      return stands;
    },
    { timeoutMs: 2 * stallMs, intervalMs: 500, what: 'the streams to be held up' },
  );
}

/** Asks for all there is, and reads nothing of the answer. */
function askUnread(token: string): Socket {
  const { hostname, port } = new URL(gateway.httpUrl);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.pause();
  socket.on('error', () => undefined);
  socket.write(
    `GET ${changesPath}?cursor=0 HTTP/1.1\r\nhost: gateway\r\naccept: text/event-stream\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  closing.push(() => socket.destroy());
  return socket;
}

function watchUnread(token: string): RpcClient<changesV1.ChangeStreamServiceService> {
  const client = createRpcClient(changesV1.ChangeStreamServiceService, { address: gateway.grpcAddress ?? '', token: () => token });
  const aborter = new AbortController();
  const messages = client.watch(changesV1.WatchRequest.fromPartial({ cursor: '0' }), { signal: aborter.signal });
  void messages.next().catch(() => undefined);
  closing.push(() => {
    aborter.abort();
    client.close();
  });
  return client;
}

it.each([
  ['sse', askUnread],
  ['grpc', watchUnread],
] as const)(
  'streams that begin long ago and are never read keep little in memory, and are cut off: %s',
  async (transport, open) => {
    await eventually(async () => (await metric('fairlead_change_streams', 'transport="sse"')) === 0, {
      timeoutMs: 60_000,
      what: 'nobody to be there',
    });
    const before = memory();
    const token = stage.reader(roles.viewer);
    for (let n = 0; n < streams; n += 1) open(token);
    await standstill(transport);
    // What was on its way is let go of some time later.
    await eventuallyHolds(
      () => {
        expect((memory() - before) / streams).toBeLessThan(maxBytes);
      },
      { timeoutMs: stallMs / 2, intervalMs: 500, what: 'little to be kept' },
    );
    await eventually(
      async () => (await metric('fairlead_change_stream_cut_offs_total', `transport="${transport}",code="overloaded"`)) === streams,
      {
        timeoutMs: 120_000,
        what: 'all to be cut off',
      },
    );
  },
  240_000,
);
