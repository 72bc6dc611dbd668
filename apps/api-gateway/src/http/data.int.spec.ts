// Real: Postgres with the event log, NATS, the gateway's HTTP server; the services behind it are scripted, at the wire.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import { adminClient, grantDataAccess } from '@fairlead/postgres';
import { eventuallyHolds } from '@fairlead/testing';
import { startIdentityStage, type Held, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let admin: TestUser;
let held: Held;

interface Rows {
  items: Record<string, string | null>[];
  next_cursor: string | null;
  columns: { name: string; type: string; masked: boolean }[];
}

const get = (path: string) => stage.gateway.call('GET', `/admin/v1/data/tables${path}`, { token: held.token });
const ask = (table: string, query: Record<string, string | number> = {}) =>
  get(
    `/${table.replace('.', '/')}?${new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)])).toString()}`,
  );
const rowsOf = async (table: string, query: Record<string, string | number> = {}) => {
  const answer = await ask(table, query);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body as unknown as Rows;
};
const reads = async () => (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(({ type }) => type === 'data_read');

beforeAll(async () => {
  stage = await startIdentityStage();
  await grantDataAccess(stage.database.admin);
  admin = await stage.newUser('admin');
  for (let n = 0; n < 5; n += 1) await stage.newUser('viewer');
  held = await stage.login(admin);
}, 120_000);

afterAll(() => stage.stop());

describe('the tables', () => {
  it('are listed with what of them may be read', async () => {
    const answer = await get('');
    expect(answer).toMatchObject({ status: 200, body: { next_cursor: null } });
    const items = answer.body['items'] as { schema: string; table: string; key: string[]; readable: boolean; columns: object[] }[];
    expect(items.find(({ table }) => table === 'users')).toMatchObject({ schema: 'api_gateway', key: ['user_id'], readable: true });
    expect(items.find(({ table }) => table === 'users')?.columns).toContainEqual({
      name: 'password_hash',
      type: 'text',
      nullable: false,
      masked: true,
    });
    expect(items.find(({ table }) => table === 'recovery_code')).toMatchObject({ readable: false });
    expect(items.map(({ schema, table }) => `${schema}.${table}`)).toContain('log.event');
    // Neither partitions nor what is Postgres's own.
    expect(items.filter(({ schema, table }) => /^event_/.test(table) || /^pg_/.test(schema))).toEqual([]);
  });

  it('are for who may browse them alone, on the whole platform', async () => {
    for (const role of ['viewer', 'operator'] as const) {
      const { token } = await stage.login(await stage.newUser(role));
      for (const path of ['', '/api_gateway/users'])
        expect(await stage.gateway.call('GET', `/admin/v1/data/tables${path}`, { token })).toMatchObject({ status: 403 });
    }
  });
});

describe('the rows of a table', () => {
  it('come with masked values, which no secret is among', async () => {
    const page = await rowsOf('api_gateway.users', { filter: `email.eq.${admin.email}` });
    expect(page.items).toEqual([
      expect.objectContaining({ user_id: admin.id, email: admin.email, password_hash: '[masked]', disabled: 'false', revision: '1' }),
    ]);
    expect(Object.keys(page.items[0] ?? {})).toEqual(page.columns.map(({ name }) => name));
    expect(page.items[0]?.['created_at']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/);
  });

  it('are those that were asked for, in columns, order and number, page after page', async () => {
    const seen: (string | null)[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const more: Record<string, string> = cursor === '' ? {} : { cursor };
      const page = await rowsOf('api_gateway.users', { columns: 'email', order: '-created_at', limit: 3, ...more });
      expect(page.columns.map(({ name }) => name)).toEqual(['email']);
      seen.push(...page.items.map(({ email }) => email ?? null));
      cursor = page.next_cursor;
      pages += 1;
    }
    const all = await stage.database.adminSql.query<{ email: string }>(
      'select email from api_gateway.users order by created_at desc, user_id desc',
    );
    expect(seen).toEqual(all.map(({ email }) => email));
    expect(pages).toBe(Math.ceil(all.length / 3));
  });

  it.each([
    ['ne', `email.ne.user-1@example.com`, 'email <> $1', 'user-1@example.com'],
    ['starts_with', 'email.starts_with.user-', 'starts_with(email, $1)', 'user-'],
    ['gte of a number', 'revision.gte.1', 'revision >= $1', '1'],
    ['lt of a time', 'created_at.lt.2100-01-01T00:00:00Z', 'created_at < $1', '2100-01-01T00:00:00Z'],
    ['eq of a truth', 'disabled.eq.false', 'disabled = $1', 'false'],
  ])('are filtered by %s', async (_, filter, sql, value) => {
    const found = await rowsOf('api_gateway.users', { filter, columns: 'user_id' });
    const expected = await stage.database.adminSql.query<{ user_id: string }>(
      `select user_id from api_gateway.users where ${sql} order by user_id`,
      [value],
    );
    expect(expected.length).toBeGreaterThan(1);
    expect(found.items).toEqual(expected);
  });

  it('are filtered by several conditions, by nulls, and by values that hold anything', async () => {
    const none = await rowsOf('api_gateway.session', { filter: 'revoked_at.is_not_null,user_id.eq.x' });
    expect(none.items).toEqual([]);
    expect((await rowsOf('api_gateway.session', { filter: `revoked_at.is_null,user_id.eq.${admin.id}` })).items).not.toEqual([]);
    const odd = `'; drop table users; -- \\, "a".b`;
    const written = odd.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
    expect((await rowsOf('api_gateway.users', { filter: `email.eq.${written}` })).items).toEqual([]);
    expect((await reads()).at(-1)?.payload['filter']).toEqual([{ column: 'email', operator: 'eq', value: odd }]);
  });

  it.each([
    ['a masked column in a filter', { filter: 'password_hash.eq.x' }, '/filter', /is masked/],
    ['a masked column in a filter for null', { filter: 'password_hash.is_null' }, '/filter', /is masked/],
    ['a masked column in the order', { order: 'password_hash' }, '/order', /is masked/],
    ['no column of the table', { columns: 'email,nothing' }, '/columns', /no column nothing/],
    ['a filter by no column', { filter: 'nothing.eq.1' }, '/filter', /no column/],
    ['an operator that there is not', { filter: 'email.like.1' }, '/filter', /must be conditions/],
    ['SQL instead of a column', { columns: 'email from users; --' }, '/columns/0', /must be a name/],
    ['SQL instead of an order', { order: 'email;drop' }, '/order', /must be a column/],
    ['an order by what may be null', { order: 'email' }, '/order', /never null/],
    ['a value of another type', { filter: 'revision.gt.many' }, '/filter', /whole number/],
    ['a time that there is not', { filter: 'created_at.gt.2026-02-30T00:00:00Z' }, '/filter', /RFC 3339/],
    ['no value', { filter: 'email.eq' }, '/filter', /needs a value/],
    ['a value with none', { filter: 'email.is_null.1' }, '/filter', /takes no value/],
    ['an empty filter', { filter: '' }, '/filter', /must be conditions/],
    ['a field that there is not', { sql: 'select 1' }, '/sql', /is not known/],
    ['a cursor that is none', { cursor: 'eA' }, '/cursor', /is not a cursor/],
  ])('are refused for %s, and nothing is recorded', async (_, query, pointer, detail) => {
    const before = await reads();
    const answer = await ask('api_gateway.users', query);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_argument' } });
    const errors = answer.body['errors'] as { pointer: string; detail: string }[];
    expect(errors).toContainEqual({ pointer, detail: expect.stringMatching(detail) });
    expect(await reads()).toEqual(before);
  });

  it('go on only by a cursor of this table and order', async () => {
    const { next_cursor: cursor } = await rowsOf('api_gateway.users', { limit: 1 });
    expect(cursor).not.toBeNull();
    expect(await ask('api_gateway.users', { cursor: String(cursor), order: '-user_id' })).toMatchObject({ status: 400 });
    expect(await ask('api_gateway.session', { cursor: String(cursor) })).toMatchObject({ status: 400 });
  });

  it('are of tables that there are and that may be read', async () => {
    for (const table of ['api_gateway.nothing', 'pg_catalog.pg_authid', 'public.users', 'information_schema.tables'])
      expect(await ask(table)).toMatchObject({ status: 404 });
    expect(await ask('api_gateway.recovery_code')).toMatchObject({ status: 403, body: { detail: expect.stringMatching(/masked/) } });
  });

  it('are few, and short, however large the table is', async () => {
    const payload = JSON.stringify({ kid: 'x'.repeat(200_000) });
    for (let n = 0; n < 40; n += 1)
      await stage.database.db.query(`select log.append_event(null, 'signing_key', $1, null, 'signing_key_published', 1, $2, '{}')`, [
        `large-${String(n)}`,
        payload,
      ]);
    const page = await rowsOf('log.event', { order: '-position', limit: 200 });
    expect(page.items[2]?.['payload']).toHaveLength(2_001);
    expect(page.items[2]?.['payload']).toMatch(/…$/);
    expect(JSON.stringify(page).length).toBeLessThan(1_500_000);
    const all = await rowsOf('log.event', { limit: 9_999 });
    expect(all.items.length).toBeLessThanOrEqual(200);
  });

  it('are waited for in Postgres for a while and no longer, by two at a time', async () => {
    const client = await adminClient(stage.database.admin);
    try {
      await client.query('begin');
      await client.query('lock table api_gateway.external_identity in access exclusive mode');
      const answers = await Promise.all([1, 2, 3].map(() => ask('api_gateway.external_identity')));
      expect(answers.map(({ body }) => body['code']).sort()).toEqual(['deadline_exceeded', 'deadline_exceeded', 'rate_limited']);
    } finally {
      await client.end();
    }
    expect((await rowsOf('api_gateway.external_identity')).items).toEqual([]);
  }, 60_000);
});

describe('each read', () => {
  it('is in the log, with who asked and what for, before its rows are', async () => {
    const before = (await reads()).length;
    const { items } = await rowsOf('log.event', {
      columns: 'position,type',
      filter: 'type.eq.data_read,aggregate_id.eq.log.event',
      order: '-position',
      limit: 7,
    });
    const all = await reads();
    expect(all).toHaveLength(before + 1);
    const [event] = all.slice(-1);
    expect(event).toMatchObject({
      aggregateType: 'data_table',
      aggregateId: 'log.event',
      payload: {
        columns: ['position', 'type'],
        filter: [
          { column: 'type', operator: 'eq', value: 'data_read' },
          { column: 'aggregate_id', operator: 'eq', value: 'log.event' },
        ],
        order: '-position',
        limit: 7,
        continued: false,
      },
      meta: { principal: `user:${admin.id}` },
    });
    // The rows that were read have the very event: it was committed before.
    expect(items[0]).toEqual({ position: String(event?.position), type: 'data_read' });
  });

  it('is refused while it could not be recorded, and reads nothing', async () => {
    const before = (await reads()).length;
    await stage.database.adminSql.query('revoke execute on all functions in schema log from fairlead_api_gateway');
    try {
      // What the gate saw holds for a second: it, and the append behind it, come to the same.
      expect(await ask('api_gateway.users')).toMatchObject({ status: 503, body: { code: 'audit_unavailable' } });
    } finally {
      await stage.database.adminSql.query('grant execute on all functions in schema log to fairlead_api_gateway');
    }
    expect(await reads()).toHaveLength(before);
    await eventuallyHolds(
      async () => {
        expect((await ask('api_gateway.users')).status).toBe(200);
      },
      { what: 'reads to go on' },
    );
  });

  it('is refused to a session that has ended', async () => {
    const ended = await stage.login(admin);
    await stage.gateway.call('POST', '/admin/v1/auth/logout', { headers: { cookie: ended.cookie } });
    expect(await stage.gateway.call('GET', '/admin/v1/data/tables/api_gateway/users', { token: ended.token })).toMatchObject({
      status: 401,
    });
  });
});
