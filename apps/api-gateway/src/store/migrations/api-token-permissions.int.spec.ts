/** Keys with custom roles from before tokens kept what these gave go on with what they give at the update, and no more. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runMigrations } from '@fairlead/postgres';
import { testDatabase, type TestDatabase } from '@fairlead/testing';
import { migrations } from './index.js';

const service = 'api-gateway';
const before = migrations.slice(
  0,
  migrations.findIndex(({ name }) => name.startsWith('ApiTokenPermissions')),
);

let database: TestDatabase;

beforeAll(async () => {
  expect(before.length).toBeGreaterThan(0);
  database = await testDatabase({ service, migrations: before });
}, 60_000);

afterAll(() => database.drop());

describe('the update', () => {
  it('notes what the custom roles of tokens give, and nothing of built-in ones', async () => {
    await database.adminSql.query(
      `insert into "api_gateway".users (user_id, email, password_hash) values ('prj_one', 'acme/web (project)', '*')`,
    );
    await database.adminSql.query(
      `insert into "api_gateway".role (name, description, permissions) values ('deploy', 'x', '{project.read,project.manage}'), ('other', 'x', '{job.read}')`,
    );
    for (const [id, roles] of [
      ['flt_custom', ['deploy']],
      ['flt_built_in', ['viewer']],
      ['flt_gone', ['no-more']],
    ] as const)
      await database.adminSql.query(
        `insert into "api_gateway".api_token (token_id, user_id, name, roles, secret_hash, expires_at)
         values ($1, 'prj_one', 'ci', $2, $3, now() + interval '1 day')`,
        [id, roles, Buffer.from(id)],
      );
    expect(await runMigrations({ ...database.admin, service, migrations })).toHaveLength(migrations.length - before.length);
    expect(await database.db.query('select token_id, permissions from api_token order by token_id')).toEqual([
      { token_id: 'flt_built_in', permissions: null },
      { token_id: 'flt_custom', permissions: { deploy: ['project.read', 'project.manage'] } },
      { token_id: 'flt_gone', permissions: null },
    ]);
  });
});
