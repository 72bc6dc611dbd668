// Real: Postgres with the event log, NATS, the gateway's HTTP server. Events are appended as job-orchestrator, by its
// own role; what its gRPC server says of the job is scripted, at the wire.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError, jobsV1, newId } from '@fairlead/contracts';
import { createAppender, pokeLog } from '@fairlead/event-log';
import { openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { catalogueOf, eventually, testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from '../testing/gateway.js';

interface Sse {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

let database: TestDatabase;
let nats: TestMessaging;
let gateway: TestGateway;
let orchestrator: Database;
let viewer: string;
let jobId: string;
let status: string;
const streams: AbortController[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  gateway = await startGateway({ database, nats }, {}, { heartbeatMs: 50 });
  const access = database.access('job-orchestrator');
  const logger = createLogger({ service: 'test', level: 'silent' });
  orchestrator = await openDatabase({ ...access, schema: 'job_orchestrator', applicationName: 'test', logger });
  viewer = await gateway.token('viewer');
}, 120_000);

afterAll(async () => {
  await orchestrator.close();
  await gateway.stop();
  await Promise.all([database.drop(), nats.close()]);
});

beforeEach(() => {
  jobId = newId('job');
  status = 'running';
  gateway.peers.answers = {
    getJob: (request: jobsV1.GetJobRequest) => {
      if (request.jobId !== jobId) throw new FairleadError('job_not_found', 'There is no such job');
      return { job: jobsV1.Job.fromPartial({ jobId, status }) };
    },
  };
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.abort();
});

const append = (type: string, aggregateId = jobId) => appendAll([type], aggregateId);

async function appendAll(all: readonly string[], aggregateId = jobId): Promise<number> {
  const meta = { principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1', job_id: aggregateId, step: 'drain' };
  const events = all.map((type) => ({ aggregateType: 'job', aggregateId, type, payload: { type }, meta }));
  const onAppended = (position: number) => {
    pokeLog(nats.messaging, position);
  };
  // What the events carry is nothing to the stream.
  const appender = createAppender({ sql: orchestrator, catalogue: catalogueOf(events), onAppended });
  const outcome = await appender.append({ events });
  if (outcome.status !== 'ok') throw new Error('not appended');
  return outcome.lastPosition;
}

/** Opens a stream and collects what comes. */
async function follow(path: string, options: { token?: string; headers?: Record<string, string>; url?: string } = {}) {
  const aborter = new AbortController();
  streams.push(aborter);
  const headers = { authorization: `Bearer ${options.token ?? viewer}`, ...options.headers };
  const response = await fetch(`${options.url ?? gateway.service.httpUrl}${path}`, { headers, signal: aborter.signal });
  const seen = { events: [] as Sse[], comments: [] as string[], ended: false };
  const read = async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith(':')) seen.comments.push(block);
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        if (field('data') !== '')
          seen.events.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data')) as Sse['data'] });
      }
    }
    seen.ended = true;
  };
  const done = read().catch(() => undefined);
  return {
    response,
    seen,
    done,
    close: () => {
      aborter.abort();
    },
  };
}

const types = (seen: { events: Sse[] }) => seen.events.map(({ event }) => event);
const path = () => `/admin/v1/jobs/${jobId}/events`;

describe("a job's events", () => {
  it('come from its beginning, then live, and end with the job', async () => {
    await append('job_queued');
    await append('job_queued', newId('job'));
    const { response, seen, done } = await follow(path(), { headers: { 'x-request-id': 'req-sse' } });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-request-id')).toBe('req-sse');
    await eventually(() => types(seen).length === 1, { what: 'the first event' });
    await append('step_started');
    await eventually(() => types(seen).length === 2, { what: 'a live event' });
    await append('job_started', newId('job'));
    const last = await append('job_succeeded');
    await done;
    expect(types(seen)).toEqual(['job_queued', 'step_started', 'job_succeeded']);
    expect(seen.ended).toBe(true);
    expect(seen.events.at(-1)).toEqual({
      id: expect.stringMatching(new RegExp(`^${last}\\.[0-9a-f-]{36}$`)),
      event: 'job_succeeded',
      data: {
        ...{
          position: last,
          type: 'job_succeeded',
          job_id: jobId,
          version: 3,
          recorded_at: expect.stringMatching(/^\d{4}-.*Z$/),
          step: 'drain',
        },
        ...{ principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1', payload: { type: 'job_succeeded' } },
      },
    });
  });

  it('go on over the end of a job that is tried again', async () => {
    await append('job_needs_attention');
    await append('job_retried');
    status = 'waiting';
    const live = await follow(path());
    await eventually(() => types(live.seen).length === 2, { what: 'what was before' });
    await append('job_succeeded');
    await live.done;
    status = 'succeeded';
    const later = await follow(path());
    await later.done;
    for (const { seen } of [live, later]) expect(types(seen)).toEqual(['job_needs_attention', 'job_retried', 'job_succeeded']);
  });

  it('go on over an end that another try has followed before it was sent', async () => {
    await append('job_queued');
    const { seen, done } = await follow(path());
    await eventually(() => types(seen).length === 1, { what: 'the first event' });
    await appendAll(['job_needs_attention', 'job_retried']);
    await eventually(() => types(seen).length === 3 || seen.ended, { what: 'the retry' });
    expect(seen.ended).toBe(false);
    await append('job_needs_attention');
    await done;
    expect(types(seen)).toEqual(['job_queued', 'job_needs_attention', 'job_retried', 'job_needs_attention']);
  });

  it('go on behind a cursor or the last event id, each event once', async () => {
    const positions = [await append('job_queued'), await append('step_started'), await append('step_succeeded')];
    const first = await follow(path());
    await eventually(() => types(first.seen).length === 3, { what: 'three events' });
    expect(first.seen.events.map(({ id }) => Number.parseInt(id, 10))).toEqual(positions);
    first.close();

    const byCursor = await follow(`${path()}?cursor=${positions[1] ?? 0}`);
    const byId = await follow(path(), { headers: { 'last-event-id': String(positions[2]) } });
    await append('job_cancelled');
    await Promise.all([byCursor.done, byId.done]);
    expect(types(byCursor.seen)).toEqual(['step_succeeded', 'job_cancelled']);
    expect(types(byId.seen)).toEqual(['job_cancelled']);
  });

  it.each([false, true])('go on from where a restored log went on, with nothing left out (the job has ended: %s)', async (ended) => {
    const kept = await append('job_queued');
    const restored = await database.adminSql.query<{ position: number; recorded_at: Date }>('select position, recorded_at from log.head');
    expect(restored[0]?.position).toBe(kept);
    const before = await follow(path());
    await appendAll(['step_started', 'step_failed', 'step_started']);
    await eventually(() => types(before.seen).length === 4, { what: 'what is lost' });
    const lastId = before.seen.events.at(-1)?.id ?? '';
    // As a restored backup leaves it.
    await database.adminSql.query(
      `alter table log.event disable trigger append_only;
       delete from log.event where position > ${kept};
       update log.stream set version = 1, position = ${kept} where aggregate_id = '${jobId}';
       update log.head set position = ${kept};
       alter table log.event enable always trigger append_only;
       select log.begin_incarnation()`,
    );
    await appendAll(['step_succeeded', 'job_started']);
    if (ended) {
      await append('job_succeeded');
      status = 'succeeded';
    }
    // A client that reads on, and one that comes again with what it saw last, or just learned of the restore.
    const after = await follow(path(), { headers: { 'last-event-id': lastId } });
    const expected = ['step_succeeded', 'job_started', ...(ended ? ['job_succeeded'] : [])];
    await eventually(() => types(after.seen).length >= expected.length, { what: 'what came after the restore' });
    expect(types(after.seen)).toEqual(expected);
    await eventually(() => types(before.seen).length >= 4 + expected.length, { what: 'the same on the stream that was open' });
    expect(types(before.seen).slice(4)).toEqual(expected);
    const [incarnation, earlier] = [after.seen.events[0]?.id, lastId].map((id) => id?.split('.')[1]);
    expect(incarnation).not.toBe(earlier);
  });

  it('end at once when the job has ended and all has been seen', async () => {
    const last = await append('job_failed');
    status = 'failed';
    const all = await follow(path());
    const none = await follow(`${path()}?cursor=${last}`);
    await Promise.all([all.done, none.done]);
    expect([types(all.seen), types(none.seen), none.seen.ended]).toEqual([['job_failed'], [], true]);
  });

  it('carry a heartbeat with the position the log has reached', async () => {
    const { seen } = await follow(path());
    const position = await append('job_queued', newId('job'));
    await eventually(() => seen.comments.includes(`: position ${position}`), { what: 'a heartbeat with the position' });
  });

  it('are for those who may read jobs, of jobs that are, from places that can be', async () => {
    expect((await gateway.call('GET', `/admin/v1/jobs/${newId('job')}/events`, { token: viewer })).body).toMatchObject({
      status: 404,
      code: 'job_not_found',
    });
    expect((await gateway.call('GET', path())).status).toBe(401);
    expect((await gateway.call('GET', path(), { token: await gateway.token() })).status).toBe(403);
    expect((await gateway.call('GET', `${path()}?cursor=x`, { token: viewer })).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/cursor' }],
    });
    const headers = { 'last-event-id': 'x' };
    expect((await gateway.call('GET', path(), { token: viewer, headers })).body).toMatchObject({
      status: 400,
      errors: [{ pointer: '/Last-Event-ID' }],
    });
  });

  it('end when the token does', async () => {
    const token = await gateway.signer.signUser({ userId: 'usr_1', email: 'a@example.com', roles: ['viewer'] }, 1);
    const { seen, done } = await follow(path(), { token });
    await done;
    expect(seen.ended).toBe(true);
  });

  it('end when the gateway drains, and leave nothing behind', async () => {
    const other = await gateway.another();
    const { seen, done } = await follow(path(), { url: other.httpUrl });
    await eventually(() => seen.comments.length > 0, { what: 'an open stream' });
    await other.stop();
    await done;
    expect(seen.ended).toBe(true);
  });

  it('stop being read for a client that has gone', async () => {
    const one = await follow(path());
    await eventually(() => one.seen.comments.length > 0, { what: 'an open stream' });
    const before = gateway.lines.length;
    one.close();
    const line = await eventually(
      () =>
        gateway.lines
          .slice(before)
          .map((text) => JSON.parse(text) as Record<string, unknown>)
          .find((entry) => entry['msg'] === 'request'),
      { what: 'the end of the request' },
    );
    expect(line).toMatchObject({ route: '/admin/v1/jobs/:id/events', aborted: true });
  });
});
