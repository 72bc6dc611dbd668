/** Who had roles before they were bound to parts of the platform has them afterwards, on all of it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runMigrations } from '@fairlead/postgres';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { findUser } from '../users.js';
import { rolesHeldBy } from '../role-bindings.js';
import { migrations } from './index.js';

const service = 'api-gateway';
const before = migrations.slice(
  0,
  migrations.findIndex(({ name }) => name.startsWith('RoleBindings')),
);

let database: TestDatabase;

beforeAll(async () => {
  expect(before.length).toBeGreaterThan(0);
  database = await testDatabase({ service, migrations: before });
}, 60_000);

afterAll(() => database.drop());

describe('the update', () => {
  it('binds what each user had as roles on the whole platform, once, and nothing else', async () => {
    const users = [
      ['usr_ann', ['admin']],
      ['usr_bob', ['viewer', 'operator', 'viewer']],
      ['usr_none', []],
    ] as const;
    for (const [id, roles] of users)
      await database.adminSql.query(
        `insert into "api_gateway".users (user_id, email, password_hash, roles) values ($1, $1 || '@example.test', 'x', $2)`,
        [id, roles],
      );
    const applied = await runMigrations({ ...database.admin, service, migrations });
    expect(applied).toHaveLength(migrations.length - before.length);
    const held = async (id: string) => (await rolesHeldBy(database.db, `user:${id}`)).map(({ role, scope }) => [role, scope]).sort();
    expect(await held('usr_ann')).toEqual([['admin', '/']]);
    expect(await held('usr_bob')).toEqual([
      ['operator', '/'],
      ['viewer', '/'],
    ]);
    expect(await held('usr_none')).toEqual([]);
    expect(await database.db.query('select count(*)::int as n from role_binding')).toEqual([{ n: 3 }]);
    // Nobody is anybody else, or disabled, by it.
    expect(await findUser(database.db, { userId: 'usr_bob' })).toMatchObject({ email: 'usr_bob@example.test', disabled: false });
    // A second run finds nothing to do.
    expect(await runMigrations({ ...database.admin, service, migrations })).toEqual([]);
  });
});
