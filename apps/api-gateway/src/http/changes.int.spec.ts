// Real: Postgres with the event log, NATS, the gateway's HTTP and gRPC servers. Events are appended by the roles of the
// services that own them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { granted } from '@fairlead/auth';
import { newId, roles, type Permission } from '@fairlead/contracts';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { startChangeStage, type ChangeStage, type Sse } from '../testing/changes.js';

const path = '/platform/v1/changes';
let stage: ChangeStage;
let viewer: string;

beforeAll(async () => {
  stage = await startChangeStage();
  viewer = stage.reader(roles.viewer);
}, 120_000);

afterAll(() => stage.stop());
afterEach(() => {
  stage.closeStreams();
});

const meta = { principal: 'user:usr_1', request_id: 'req-1', correlation_id: 'cor-1', reason: 'make room for globex' };
const seats = { aggregate: 'aggregate-1', projection: 'projection-1', runner: 'runner-1' };
const tenantCreated = (tenant: string) => ({
  aggregateType: 'tenant' as const,
  aggregateId: tenant,
  type: 'tenant_created' as const,
  payload: { tenant_id: tenant, name: tenant, requested: {}, placement: seats, revision: 1, epoch: 1 },
  meta: { ...meta, tenant_id: 'a-header' },
});

const get = (query: string, token = viewer) => stage.gateway.call('GET', `${path}${query}`, { token });
const positions = (items: unknown) => (items as { position: number }[]).map(({ position }) => position);
const now = async () => String((await get('')).body['cursor']);
const name = () => `t-${newId('command').slice(-12)}`;
const incarnationOf = (cursor: unknown) => String(cursor).split('.')[1];

describe('polling', () => {
  it('begins at the present, and goes on from the cursor that it answers', async () => {
    const before = await stage.append(tenantCreated(name()));
    const first = await eventually(
      async () => {
        const answer = await get('');
        return Number.parseInt(String(answer.body['cursor']), 10) >= before ? answer : undefined;
      },
      { what: 'the present to be behind what was before' },
    );
    expect(first).toMatchObject({ status: 200, body: { items: [], more: false } });
    const tenant = name();
    const position = await stage.append(tenantCreated(tenant));
    const next = await eventually(
      async () => {
        const answer = await get(`?cursor=${String(first.body['cursor'])}`);
        return positions(answer.body['items']).length > 0 ? answer : undefined;
      },
      { what: 'the change' },
    );
    const cursor = `${position}.${incarnationOf(first.body['cursor'])}`;
    expect(next.body).toEqual({
      items: [
        {
          ...{ cursor, position, aggregate_type: 'tenant', aggregate_id: tenant, version: 1, type: 'tenant_created', schema_version: 1 },
          ...{ recorded_at: expect.stringMatching(/^\d{4}-.*Z$/), tenant_id: tenant, node_id: null },
          payload: tenantCreated(tenant).payload,
          meta: expect.objectContaining({ ...meta, tenant_id: 'a-header' }),
        },
      ],
      cursor,
      position,
      more: false,
    });
    expect((await get(`?cursor=${cursor}`)).body).toMatchObject({ items: [], cursor });
  });

  it('reads all there is from the beginning, page by page', async () => {
    const last = await stage.append(...Array.from({ length: 7 }, () => tenantCreated(name())));
    const seen: number[] = [];
    let cursor = '0';
    while (Number.parseInt(cursor, 10) < last) {
      const { body } = await get(`?cursor=${cursor}&limit=3&types=tenant.*`);
      expect(positions(body['items']).length).toBeLessThanOrEqual(3);
      seen.push(...positions(body['items']));
      cursor = String(body['cursor']);
    }
    const all = await stage.database.db.query<{ position: number }>(
      `select position from log.event where aggregate_type = 'tenant' order by position`,
    );
    expect(seen).toEqual(all.map(({ position }) => position));
  });

  it('waits for the first change, answers it at once, and answers nothing when the time is over', async () => {
    const cursor = await now();
    const waiting = get(`?cursor=${cursor}&wait_seconds=30&types=tenant.tenant_created`);
    const position = await stage.append(tenantCreated(name()));
    expect(positions((await waiting).body['items'])).toEqual([position]);
    const later = await get(`?wait_seconds=1`);
    expect(later.body).toMatchObject({ items: [], more: false });
  });

  it('goes over what does not match, with a cursor that has moved on', async () => {
    const cursor = await now();
    const tenant = name();
    await stage.append(...Array.from({ length: 300 }, () => tenantCreated(name())));
    const last = await stage.append(tenantCreated(tenant));
    await eventuallyHolds(
      async () => {
        const { body } = await get(`?cursor=${cursor}&tenant=globex`);
        expect(body).toMatchObject({ items: [], more: false, cursor: `${last}.${String(incarnationOf(cursor))}` });
        expect(positions((await get(`?cursor=${cursor}&tenant=${tenant}`)).body['items'])).toEqual([last]);
        expect(positions((await get(`?cursor=${cursor}&aggregate=tenant:${tenant}`)).body['items'])).toEqual([last]);
      },
      { what: 'all to have been looked through' },
    );
  });

  it.each([
    ['?cursor=x', '/cursor'],
    ['?cursor=1.2', '/cursor'],
    ['?types=job', '/types/0'],
    ['?types=job.*,', '/types/1'],
    ['?types=job.nonsense', '/types'],
    ['?types=nonsense.*', '/types'],
    ['?types=__proto__.*', '/types/0'],
    ['?aggregate=nonsense', '/aggregate'],
    ['?aggregate=job:', '/aggregate'],
    ['?aggregate=job:a%20b', '/aggregate'],
    ['?tenant=A', '/tenant'],
    ['?node=a_b', '/node'],
    ['?limit=0', '/limit'],
    ['?wait_seconds=31', '/wait_seconds'],
    ['?what=ever', '/what'],
  ])('refuses %s', async (query, pointer) => {
    const headers = { accept: 'text/event-stream' };
    for (const answer of [await get(query), await stage.gateway.call('GET', `${path}${query}`, { token: viewer, headers })]) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument', errors: [{ pointer }] } });
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    }
  });

  it('refuses to be asked by name for what the caller may not read', async () => {
    expect(await get('?types=user.*', stage.reader(['change.read', 'job.read']))).toMatchObject({
      status: 403,
      body: { details: { permission: 'audit.read' } },
    });
    const scoped = stage.reader(roles.viewer, { scope: { tenants: ['acme'] } });
    expect((await get('?tenant=globex', scoped)).status).toBe(403);
    expect((await get('?node=node-1', scoped)).status).toBe(403);
    expect((await get('?tenant=acme', scoped)).status).toBe(200);
  });

  it('refuses who holds the permissions on one tenant to ask by name for another’s, and for what is the platform’s alone', async () => {
    const onAcme = stage.reader([], granted(new Map([['/tenants/acme', new Set<Permission>(roles.viewer)]])));
    const lacking = (permission: string, scope?: string) => ({
      status: 403,
      body: { code: 'permission_denied', details: { permission, ...(scope === undefined ? {} : { scope }) } },
    });
    expect(await get('?tenant=globex', onAcme)).toMatchObject(lacking('change.read', '/tenants/globex'));
    expect(await get('?types=user.*', onAcme)).toMatchObject(lacking('audit.read'));
    expect(await get('?aggregate=user', onAcme)).toMatchObject(lacking('audit.read'));
    for (const query of ['', '?tenant=acme', '?tenant=acme&types=job.*', '?types=job.*,tenant.tenant_created'])
      expect([query, (await get(query, onAcme)).status]).toEqual([query, 200]);
    const follows = stage.reader([], granted(new Map([['/tenants/acme', new Set<Permission>(['change.read', 'tenant.read'])]])));
    expect(await get('?tenant=acme&types=job.*', follows)).toMatchObject(lacking('job.read', '/tenants/acme'));
    expect(await get('?types=job.*', follows)).toMatchObject(lacking('job.read'));
    const nowhere = stage.reader([], granted(new Map([['/tenants/acme', new Set<Permission>(['job.read'])]])));
    expect(await get('', nowhere)).toMatchObject(lacking('change.read'));
  });

  it('tells of a cursor of another incarnation, and of one beyond the end', async () => {
    const [, incarnation] = (await now()).split('.');
    const other = '01900000-0000-7000-8000-000000000000';
    const gone = { status: 410, body: { code: 'cursor_superseded', details: { incarnation, valid_until: 0 } } };
    expect(await get(`?cursor=5.${other}`)).toMatchObject(gone);
    const headers = { 'last-event-id': `5.${other}`, accept: 'text/event-stream' };
    expect(await stage.gateway.call('GET', path, { token: viewer, headers })).toMatchObject(gone);
    expect(await get('?cursor=999999999')).toMatchObject({ status: 503, body: { code: 'log_behind' } });
  });
});

describe('a stream', () => {
  it('says at once where it begins, brings what comes, and resumes behind the last id, each change once', async () => {
    const first = await stage.stream('?types=tenant.*', { token: viewer });
    expect(first.response.headers.get('content-type')).toBe('text/event-stream');
    await eventually(() => first.seen.length > 0, { what: 'the beginning' });
    expect(first.seen[0]).toMatchObject({ type: 'heartbeat', data: { cursor: first.seen[0]?.id } });
    const positions = [await stage.append(tenantCreated(name())), await stage.append(tenantCreated(name()))];
    await eventually(() => first.changes().length === 2, { what: 'two changes' });
    first.close();
    expect(first.seen.filter(({ type }) => type === 'change').map(({ id }) => Number(id.split('.')[0]))).toEqual(positions);
    positions.push(await stage.append(tenantCreated(name())));
    const lastId = first.seen.findLast(({ type }: Sse) => type === 'change')?.id ?? '';
    // The address is the one that it began with, as a browser's is.
    const second = await stage.stream('?types=tenant.*&cursor=now', { token: viewer, headers: { 'last-event-id': lastId } });
    positions.push(await stage.append(tenantCreated(name())));
    await eventually(() => second.changes().length === 2, { what: 'the rest' });
    expect([...first.changes(), ...second.changes()].map(({ position }) => position)).toEqual(positions);
  });

  it('is given to who asks for one in whatever letter case, and not to who rules it out', async () => {
    const stream = await stage.stream('', { token: viewer, headers: { accept: 'Text/Event-Stream' } });
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    const headers = { accept: 'application/json, text/event-stream;q=0' };
    expect(await stage.gateway.call('GET', path, { token: viewer, headers })).toMatchObject({ status: 200, body: { items: [] } });
  });

  it('moves the cursor of who gets nothing on, with heartbeats', async () => {
    const stream = await stage.stream('?tenant=nobody', { token: viewer });
    const position = await stage.append(tenantCreated(name()));
    await eventually(() => stream.seen.some(({ id, type }) => type === 'heartbeat' && Number(id.split('.')[0]) >= position), {
      what: 'a heartbeat at the last position',
    });
    expect(stream.changes()).toEqual([]);
  });

  it('ends when the token does, saying so and where to go on', async () => {
    const token = stage.reader(roles.viewer, { expiresAtMs: Date.now() + 500 });
    const { seen, done, ended } = await stage.stream('', { token });
    await done;
    expect(ended()).toBe(true);
    expect(seen.at(-1)).toMatchObject({ type: 'cut_off', data: { code: 'unauthenticated', cursor: seen.at(-1)?.id } });
  });

  it('ends when the gateway drains, polls that wait answer, and nothing is left behind', async () => {
    const other = await stage.gateway.another();
    const streams = await Promise.all(Array.from({ length: 20 }, () => stage.stream('', { token: viewer, url: other.httpUrl })));
    const poll = fetch(`${other.httpUrl}${path}?wait_seconds=30`, { headers: { authorization: `Bearer ${viewer}` } });
    await eventually(() => streams.every(({ seen }) => seen.length > 0), { what: 'open streams' });
    await eventually(
      async () => {
        const text = await (await fetch(`${other.httpUrl}/metrics`)).text();
        return /fairlead_change_streams\{.*transport="poll".*\} 1/.test(text);
      },
      { what: 'the poll to wait' },
    );
    await other.stop();
    await Promise.all(streams.map(({ done }) => done));
    for (const { seen, ended } of streams) {
      expect(ended()).toBe(true);
      expect(seen.at(-1)).toMatchObject({ type: 'cut_off', data: { code: 'unavailable' } });
    }
    expect(await (await poll).json()).toMatchObject({ items: [], more: false });
  });
});
