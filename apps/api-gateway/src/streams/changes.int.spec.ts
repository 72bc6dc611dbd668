// Real: Postgres with the event log, NATS, the gateway's HTTP and gRPC servers, and the client that reads over every break.
import { request, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { changesPath, changesV1, newId, readEvents, roles, watchChanges, type ChangeItem } from '@fairlead/contracts';
import type { NewEvent } from '@fairlead/event-log';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { startChangeStage, type ChangeStage } from '../testing/changes.js';

let stage: ChangeStage;
let viewer: string;
const aborters: AbortController[] = [];

beforeAll(async () => {
  stage = await startChangeStage({ CHANGE_STREAMS_MAX: '1100', CHANGE_STREAMS_MAX_PER_PRINCIPAL: '50' }, { stallMs: 300 });
  viewer = stage.reader(roles.viewer);
}, 120_000);

afterAll(() => stage.stop());
afterEach(() => {
  stage.closeStreams();
  for (const aborter of aborters.splice(0)) aborter.abort();
});

const jobEvent = (tenant: string, text = ''): NewEvent => ({
  aggregateType: 'job',
  aggregateId: newId('job'),
  type: 'step_succeeded',
  payload: { tenant_id: tenant, step: 'drain', attempt: 1, output: { text } },
  meta: { principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1' },
});

const positionOf = (cursor: string) => Number.parseInt(cursor, 10);

async function metric(name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${stage.gateway.service.httpUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*${labels}[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Opens a stream of which nothing is read until somebody does. */
async function openUnread(cursor: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${viewer}`, accept: 'text/event-stream' };
    const asked = request(`${stage.gateway.service.httpUrl}${changesPath}?cursor=${cursor}`, { headers }, resolve);
    asked.once('error', reject);
    asked.end();
  });
}

/** Follows the stream with the product's client, from a cursor on. */
function follow(cursor: string, token = viewer) {
  const aborter = new AbortController();
  aborters.push(aborter);
  const items: ChangeItem[] = [];
  const open = async (query: Record<string, string>, signal: AbortSignal) => {
    const url = `${stage.gateway.service.httpUrl}${changesPath}?${new URLSearchParams(query).toString()}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' }, signal });
    if (!response.ok || response.body === null) throw Object.assign(new Error('refused'), (await response.json()) as object);
    return response.body;
  };
  const read = async () => {
    const isRefusal = (error: unknown) => error instanceof Error && 'code' in error;
    for await (const item of watchChanges({ open, cursor, isRefusal, signal: aborter.signal, delaysMs: [10] })) items.push(item);
  };
  const failed = read().then(
    () => undefined,
    (error: unknown) => error,
  );
  const changes = () => items.flatMap((item) => (item.kind === 'change' ? [item.change.position] : []));
  return { items, changes, failed };
}

const latest = async () => String((await stage.gateway.call('GET', changesPath, { token: viewer })).body['cursor']);

describe('a reader who takes nothing', () => {
  it('is cut off with a cursor, and goes on from it without loss', async () => {
    const start = await latest();
    const before = await metric('fairlead_change_stream_cut_offs_total', 'code="overloaded"');
    const response = await openUnread(start);
    response.pause();
    const positions: number[] = [];
    const text = 'x'.repeat(200_000);
    // More than the buffers in between hold: they grow to some megabytes.
    await eventually(
      async () => {
        positions.push(await stage.append(jobEvent('acme', text)));
        return (await metric('fairlead_change_stream_cut_offs_total', 'code="overloaded"')) > before;
      },
      { timeoutMs: 30_000, what: 'the stream to be cut off' },
    );
    const seen: number[] = [];
    let cutOff: { cursor: string; code: string } | undefined;
    for await (const { id, type, data } of readEvents(response)) {
      if (type === 'change') seen.push(positionOf(id));
      if (type === 'cut_off') cutOff = JSON.parse(data) as { cursor: string; code: string };
    }
    expect(cutOff).toMatchObject({ code: 'overloaded' });
    expect(positionOf(cutOff?.cursor ?? '')).toBe(seen.at(-1));
    expect(seen.length).toBeLessThan(positions.length);
    const rest = follow(cutOff?.cursor ?? '');
    await eventually(() => seen.length + rest.changes().length >= positions.length, { what: 'the rest' });
    expect([...seen, ...rest.changes()]).toEqual(positions);
  }, 60_000);
});

describe('a page of large changes', () => {
  it('ends at some 4 MiB, and says that there is more', async () => {
    const start = await latest();
    const text = 'x'.repeat(250 * 1024);
    const appended: number[] = [];
    for (let n = 0; n < 40; n += 1) appended.push(await stage.append(jobEvent('large', text)));
    const found: number[] = [];
    for (let [cursor, more] = [start, true]; more;) {
      const { body } = await stage.gateway.call('GET', `${changesPath}?tenant=large&limit=1000&wait_seconds=5&cursor=${cursor}`, {
        token: viewer,
      });
      const items = body['items'] as { position: number }[];
      expect(JSON.stringify(items).length).toBeLessThan(4.1 * 1024 * 1024);
      found.push(...items.map(({ position }) => position));
      [cursor, more] = [String(body['cursor']), found.length < appended.length];
      if (more) expect(body['more']).toBe(true);
    }
    expect(found).toEqual(appended);
  }, 60_000);
});

describe('many readers', () => {
  it('get all, a thousand of them at once', async () => {
    const tokens = Array.from({ length: 20 }, () => stage.reader(roles.viewer));
    const streams = await Promise.all(Array.from({ length: 1_000 }, (_, index) => stage.stream('', { token: tokens[index % 20] })));
    await eventually(() => streams.every(({ seen }) => seen.length > 0), { timeoutMs: 30_000, what: 'all to be open' });
    expect(await metric('fairlead_change_streams', 'transport="sse"')).toBe(1_000);
    const positions: number[] = [];
    for (let count = 0; count < 10; count++) positions.push(await stage.append(jobEvent('acme')));
    await eventually(() => streams.every((stream) => stream.changes().length >= 10), { timeoutMs: 30_000, what: 'all to have all' });
    for (const stream of streams) expect(stream.changes().map(({ position }) => position)).toEqual(positions);
    stage.closeStreams();
    await eventuallyHolds(
      async () => {
        expect(await metric('fairlead_change_streams', 'transport="sse"')).toBe(0);
      },
      { timeoutMs: 30_000, what: 'their places to be free again' },
    );
  }, 120_000);

  it('are not more than may be, of one user and of all, whichever way they ask', async () => {
    const token = stage.reader(roles.viewer);
    await Promise.all(Array.from({ length: 50 }, () => stage.stream('', { token })));
    const headers = { accept: 'text/event-stream' };
    const refused = { status: 429, body: { code: 'rate_limited' } };
    const more = await stage.gateway.call('GET', changesPath, { token, headers });
    expect(more).toMatchObject(refused);
    expect(more.headers.get('retry-after')).toBe('10');
    expect(await stage.gateway.call('GET', `${changesPath}?wait_seconds=5`, { token })).toMatchObject(refused);
    await expect(stage.grpc.watch(changesV1.WatchRequest.fromPartial({}), { token }).next()).rejects.toMatchObject({
      code: 'rate_limited',
    });
    // A poll that does not wait takes no place.
    expect((await stage.gateway.call('GET', changesPath, { token })).status).toBe(200);
    const other = await stage.stream('', { token: viewer });
    expect(other.response.status).toBe(200);
    const full = await stage.gateway.another({ CHANGE_STREAMS_MAX: '1', HTTP_PORT: '0', GRPC_PORT: '0' });
    try {
      await stage.stream('', { token: viewer, url: full.httpUrl });
      const second = await fetch(`${full.httpUrl}${changesPath}`, { headers: { ...headers, authorization: `Bearer ${token}` } });
      expect([second.status, await second.json()]).toMatchObject([503, { code: 'overloaded' }]);
    } finally {
      await full.stop();
    }
  }, 60_000);
});

describe('over gRPC', () => {
  const watch = (partial: Partial<changesV1.WatchRequest>, token: string) =>
    stage.grpc.watch(changesV1.WatchRequest.fromPartial(partial), { token });

  it('says where it begins, then brings what comes, and heartbeats', async () => {
    const messages = watch({ types: ['job.*'], tenant: 'grpc-one' }, viewer);
    const first = (await messages.next()).value as changesV1.WatchResponse;
    expect(first.change).toBeUndefined();
    const position = await stage.append(jobEvent('grpc-one', 'text'));
    const last = await stage.append(jobEvent('grpc-two'));
    const seen: changesV1.WatchResponse[] = [];
    for await (const message of messages) {
      seen.push(message);
      if (message.change === undefined && positionOf(message.cursor) >= last) break;
    }
    const changes = seen.flatMap(({ change }) => (change === undefined ? [] : [change]));
    expect(changes).toMatchObject([
      { position, aggregateType: 'job', type: 'step_succeeded', tenantId: 'grpc-one', nodeId: '', payload: { output: { text: 'text' } } },
    ]);
    await messages.return();
  });

  it('refuses what the route refuses, with the same codes', async () => {
    const refuse = async (partial: Partial<changesV1.WatchRequest>, expected: object, token = viewer) => {
      await expect(watch(partial, token).next()).rejects.toMatchObject(expected);
    };
    const invalid = (pointer: string) => ({ code: 'invalid_argument', details: { errors: [{ pointer }] } });
    await refuse({ cursor: 'x' }, invalid('/cursor'));
    await refuse({ types: ['job.nonsense'] }, invalid('/types'));
    await refuse({ types: ['job'] }, invalid('/types/0'));
    await refuse({ aggregate: 'nonsense' }, invalid('/aggregate'));
    await refuse({ tenant: 'A' }, invalid('/tenant'));
    await refuse({ cursor: '5.01900000-0000-7000-8000-000000000000' }, { code: 'cursor_superseded', details: { valid_until: 0 } });
    await refuse({ cursor: '999999999' }, { code: 'log_behind' });
    await refuse({ tenant: 'globex' }, { code: 'permission_denied' }, stage.reader(roles.viewer, { scope: { tenants: ['acme'] } }));
    await refuse({}, { code: 'permission_denied' }, stage.reader(['job.read']));
    await refuse({}, { code: 'unauthenticated' }, 'nobody');
  });

  it('ends with the token', async () => {
    const messages = watch({}, stage.reader(roles.viewer, { expiresAtMs: Date.now() + 300 }));
    const read = async () => {
      for await (const { cursor } of messages) expect(cursor).toMatch(/^\d+\./);
    };
    await expect(read()).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});

describe('an event that this release can not read', () => {
  it('comes as it is stored to who sees the whole platform, and ends nobody’s stream', async () => {
    const scoped = stage.reader(roles.viewer, { scope: { tenants: ['later'] } });
    const [whole, kept] = await Promise.all([viewer, scoped].map((token) => stage.stream('', { token })));
    await eventually(() => [whole, kept].every((stream) => (stream?.seen.length ?? 0) > 0), { what: 'both to be open' });
    const payload = { tenant_id: 'later', step: 'drain', attempt: 'one' };
    const stored = [
      ['job', 'job_teleported', 1],
      ['job', 'step_succeeded', 9],
      ['job', 'step_succeeded', 1],
      ['spaceship', 'launched', 1],
    ];
    // As a newer service would have, or a damaged disk: the log's function refuses them here.
    for (const [aggregateType, type, version] of stored)
      await stage.database.adminSql.query(
        `with head as (update log.head set position = position + 1 returning position)
         insert into log.event select position, $1, $2, 1, $3, $4, $5, $6, now() from head`,
        [aggregateType, newId('job'), type, version, payload, { principal: 'user:usr_1', request_id: 'r', correlation_id: 'c' }],
      );
    const last = await stage.append(jobEvent('later'));
    await eventually(() => [whole, kept].every((stream) => stream?.seen.some(({ id }) => positionOf(id) >= last)), {
      what: 'the last one',
    });
    expect(kept?.changes().map(({ position }) => position)).toEqual([last]);
    expect(whole?.changes()).toMatchObject([
      { type: 'job_teleported', schema_version: 1, tenant_id: null, payload },
      { type: 'step_succeeded', schema_version: 9, tenant_id: null, payload },
      { type: 'step_succeeded', schema_version: 1, tenant_id: null, payload },
      { position: last, tenant_id: 'later' },
    ]);
  });
});

describe('an event whose metadata or payload is no object', () => {
  it('comes as it is stored, on every way, and is in nobody’s way', async () => {
    const scoped = stage.reader(roles.viewer, { scope: { tenants: ['odd'] } });
    const jobId = newId('job');
    const fine = { tenant_id: 'odd', step: 'drain', attempt: 1 };
    const nested = (levels: number, end: unknown) => Array.from({ length: levels }).reduce((inner) => ({ inner }), end);
    const deep = nested(60, 'end');
    const deepMeta = { principal: deep };
    const odd: readonly [payload: unknown, meta: unknown][] = [
      ...[null, [], ['text'], 'text', 5, { principal: 5, job_id: [1] }, deepMeta, {}].map((meta) => [fine, meta] as [unknown, unknown]),
      ...[null, [], 'text', 5, deep, { tenant_id: null }].map((payload) => [payload, { principal: 'user:usr_1' }] as [unknown, unknown]),
    ];
    const cursor = await latest();
    const [whole, kept] = await Promise.all([viewer, scoped].map((token) => stage.stream(`?cursor=${cursor}`, { token })));
    const grpc = stage.grpc.watch(changesV1.WatchRequest.fromPartial({ cursor }), { token: viewer });
    // As an older release or another program would have: the log's function refuses them now.
    for (const [index, [payload, meta]] of odd.entries())
      await stage.database.adminSql.query(
        `with head as (update log.head set position = position + 1 returning position)
         insert into log.event select position, 'job', $1, $2, 'step_succeeded', 1, $3, $4, now() from head`,
        [jobId, index + 1, JSON.stringify(payload), JSON.stringify(meta)],
      );
    const last = await stage.append(jobEvent('odd'));
    await eventually(() => [whole, kept].every((stream) => stream?.changes().some(({ position }) => position === last)), {
      what: 'the last one',
    });
    const stored = odd.map(([payload, meta]) => ({ payload, meta }));
    expect(whole?.changes().slice(0, -1)).toMatchObject(stored);
    expect(kept?.changes().slice(0, -1)).toMatchObject(
      odd.flatMap(([payload]) => (payload === fine ? [{ payload: { step: 'drain' } }] : [])),
    );
    const { body } = await stage.gateway.call('GET', `${changesPath}?cursor=${cursor}`, { token: viewer });
    expect((body['items'] as unknown[]).slice(0, -1)).toMatchObject(stored);
    const messages: changesV1.Change[] = [];
    for await (const { change } of grpc) {
      if (change !== undefined) messages.push(change);
      if (change?.position === last) break;
    }
    const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
    const structOf = (value: unknown) => (isObject(value) ? value : { value });
    const shown = (value: unknown) => {
      if (value === deep) return nested(24, JSON.stringify(nested(36, 'end')));
      return value === deepMeta ? { principal: nested(23, JSON.stringify(nested(37, 'end'))) } : structOf(value);
    };
    expect(messages.slice(0, -1)).toMatchObject(odd.map(([payload, meta]) => ({ payload: shown(payload), meta: shown(meta) })));
  });
});

describe('a restore of the log', () => {
  it('is told to all who stream, with where to go on, and the client goes on', async () => {
    const known = [await stage.append(jobEvent('acme')), await stage.append(jobEvent('acme'))];
    const before = await latest();
    const incarnation = before.split('.')[1] ?? '';
    const client = follow(`${(known[0] ?? 1) - 1}.${incarnation}`);
    // From a cursor: without one a stream begins where this gateway stands, which may be an event or two back.
    const cursor = `${String(known[1])}.${incarnation}`;
    const stream = await stage.stream(`?cursor=${cursor}`, { token: viewer });
    const grpc = stage.grpc.watch(changesV1.WatchRequest.fromPartial({ cursor }), { token: viewer });
    await grpc.next();
    await eventually(() => client.changes().length === 2 && stream.seen.length > 0, { what: 'what was before' });
    await stage.database.adminSql.query('select log.begin_incarnation()');
    const [head] = await stage.database.adminSql.query<{ position: number; incarnation: string }>(
      'select position, incarnation::text from log.head',
    );
    await stream.done;
    const told = { incarnation: head?.incarnation, valid_until: known[1] };
    expect(stream.seen.at(-1)).toEqual({ type: 'superseded', id: `${String(known[1])}.${head?.incarnation ?? ''}`, data: told });
    const readOn = async () => {
      for await (const { change } of grpc) expect(change).toBeUndefined();
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'cursor_superseded', details: told });
    const later = await stage.append(jobEvent('acme'));
    await eventually(() => client.changes().includes(later), { what: 'what came after it' });
    expect(client.items.flatMap((item) => (item.kind === 'heartbeat' ? [] : [item.kind]))).toEqual([
      'change',
      'change',
      'superseded',
      'change',
    ]);
    expect(client.items.find(({ kind }) => kind === 'superseded')).toMatchObject({ incarnation: head?.incarnation, validUntil: known[1] });
  });
});
