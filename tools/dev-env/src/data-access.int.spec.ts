// Real: Postgres with the tables of all services, as `npm run db:init` and `db:migrate` make them, and the role that the data browser reads as.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { controlPlaneServices, dataAccess, epochTables } from '@fairlead/contracts';
import { dataReaderRole, grantDataAccess, runMigrations } from '@fairlead/postgres';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrationsOf } from './migrations.js';

let database: TestDatabase;
/** Columns by table, of every table that is not part of another one. */
let tables: Record<string, string[]>;
let keys: Record<string, string[]>;

beforeAll(async () => {
  database = await testDatabase({ service: 'api-gateway' });
  for (const service of controlPlaneServices) await runMigrations({ ...database.admin, service, migrations: migrationsOf[service] });
  await grantDataAccess(database.admin);
  const rows = await database.adminSql.query<{ name: string; columns: string[]; key: string[] }>(
    `select n.nspname || '.' || c.relname as name,
       array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum) as columns,
       array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary) as key
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'f', 'm') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
       and c.relname !~ $1`,
    [epochTables],
  );
  tables = Object.fromEntries(rows.map(({ name, columns }) => [name, columns]));
  keys = Object.fromEntries(rows.map(({ name, key }) => [name, key]));
}, 120_000);

afterAll(() => database.drop());

/** What a statement is answered, run as the reader: how many rows, or the SQLSTATE. */
async function asReader(statement: string): Promise<number | string> {
  return database.db
    .transaction(async (tx) => {
      await tx.query(`set local role ${dataReaderRole}`);
      return (await tx.query(statement)).length;
    })
    .catch((error: unknown) => String((error as { code?: string }).code));
}

const refused = '42501';
const quoted = (table: string) => table.replace('.', '"."').replace(/^|$/g, '"');

describe('the columns that the data browser may read', () => {
  it('are told of every column of every table, once', () => {
    expect(Object.keys(tables).length).toBeGreaterThan(30);
    const told = Object.entries(dataAccess).map(([name, { readable, masked = [] }]) => [name, [...readable, ...masked].sort()]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(tables).map(([name, columns]) => [name, [...columns].sort()])),
    );
  });

  it('hold the whole key of their table, by which pages go on', () => {
    for (const [name, { readable }] of Object.entries(dataAccess)) {
      if (readable.length > 0) expect(readable).toEqual(expect.arrayContaining(keys[name] ?? ['no key']));
    }
  });

  it('hold nothing that is named like a secret, a hash of one or a sealed value', () => {
    const suspicious = /secret|password(?!_is_initial)|token(?!_id)|sealed|private|jwk|credential|_key$|code_hash|key_hash|answer/;
    const found = Object.entries(dataAccess).flatMap(([name, { readable }]) =>
      readable.filter((column) => suspicious.test(column)).map((column) => `${name}.${column}`),
    );
    // Times and positions of sealed segments; made by us, of a job and its step; where endpoints are known by.
    expect(found.sort()).toEqual([
      'audit.sealing.sealed_until',
      'audit.segment.sealed_at',
      'fleet_observer.endpoint_health.endpoint_key',
      'fleet_observer.endpoint_history.endpoint_key',
      'placement.config_change.idempotency_key',
      'placement.move.idempotency_key',
      'provisioner.command.idempotency_key',
    ]);
  });
});

describe('the role that the data browser reads as', () => {
  it('reads each readable column and no masked one, by trying all of them', async () => {
    let tried = 0;
    for (const [name, columns] of Object.entries(tables)) {
      for (const column of columns) {
        const readable = dataAccess[name]?.readable.includes(column) === true;
        const answered = await asReader(`select "${column}" from ${quoted(name)} limit 1`);
        expect({ column: `${name}.${column}`, readable, answered }).toEqual({
          ...{ column: `${name}.${column}`, readable },
          answered: readable ? expect.any(Number) : refused,
        });
        tried += 1;
      }
      if (dataAccess[name]?.masked !== undefined) expect(await asReader(`select * from ${quoted(name)} limit 1`)).toBe(refused);
    }
    expect(tried).toBeGreaterThan(250);
  });

  it('writes, locks and makes nothing, and calls no function of ours that does', async () => {
    for (const [name, columns] of Object.entries(tables)) {
      const column = columns[0] ?? '';
      for (const statement of [
        `insert into ${quoted(name)} default values`,
        `update ${quoted(name)} set "${column}" = default`,
        `delete from ${quoted(name)}`,
        `truncate ${quoted(name)}`,
        `lock table ${quoted(name)} in row exclusive mode`,
        `drop table ${quoted(name)}`,
        `alter table ${quoted(name)} add column more text`,
      ])
        expect([statement, await asReader(statement)]).toEqual([statement, refused]);
    }
    expect(await asReader('create table public.mine (a int)')).toBe(refused);
    expect(await asReader('create schema mine')).toBe(refused);
    expect(await asReader(`select log.append_event(null, 'user', 'u', null, 'x', 1, '{}', '{}')`)).toBe(refused);
    expect(await asReader('select log.keep_partitions()')).toBe(refused);
  });

  it('reads no view, partition or table of a projection, and nothing of the server', async () => {
    const others = await database.adminSql.query<{ name: string }>(
      `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where (c.relkind = 'v' or c.relispartition or c.relname ~ $1) and c.relkind in ('r', 'v', 'p') and n.nspname not in ('pg_catalog', 'information_schema')`,
      [epochTables],
    );
    expect(others.length).toBeGreaterThan(3);
    for (const { name } of others) expect([name, await asReader(`select * from ${name} limit 1`)]).toEqual([name, refused]);
    expect(await asReader('select * from pg_authid')).toBe(refused);
    expect(await asReader(`select pg_read_file('/etc/passwd')`)).toBe(refused);
  });

  it('is nobody who can log in, and the gateway alone may take it on', async () => {
    const [role] = await database.adminSql.query<{ login: boolean; super: boolean }>(
      'select rolcanlogin as login, rolsuper as super from pg_roles where rolname = $1',
      [dataReaderRole],
    );
    expect(role).toEqual({ login: false, super: false });
    const members = await database.adminSql.query<{ member: string; inherit_option: boolean }>(
      'select member::regrole::text as member, inherit_option from pg_auth_members where roleid = $1::regrole',
      [dataReaderRole],
    );
    expect(members).toEqual([{ member: 'fairlead_api_gateway', inherit_option: false }]);
    // What it may read, the gateway may not, as itself.
    await expect(database.db.query('select * from job_orchestrator.job')).rejects.toMatchObject({ code: refused });
  });

  it('loses what it is not to read any more, when it is said again', async () => {
    await database.adminSql.query(`grant select on api_gateway.users to ${dataReaderRole}`);
    expect(await asReader('select password_hash from api_gateway.users')).toBe(0);
    await grantDataAccess(database.admin);
    expect(await asReader('select password_hash from api_gateway.users')).toBe(refused);
    expect(await asReader('select email from api_gateway.users')).toBe(0);
  });
});
