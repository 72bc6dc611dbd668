/**
 * What callers write stays what they wrote: no text of theirs becomes SQL, a NATS subject or a header. Texts that break out of quotes, subjects and
 * lines are put into every place of every operation that the API's document has, one at a time, on a running stack: no answer is a server's
 * error, each is of its declared shape, rows come by the commands that succeeded and by nothing else, the log verifies, and no message has a subject
 * that is not ours.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startStack, type Stack } from '@fairlead/dev-env';
import type { Database } from '@fairlead/postgres';
import { testFolder } from '@fairlead/testing';
import { operations, type Operation } from '../e2e/support/fuzz/document.js';
import { definitions } from '../e2e/support/fuzz/definitions.js';
import { Fuzzer } from '../e2e/support/fuzz/fuzzer.js';
import { placed, sitesOf } from '../e2e/support/fuzz/sites.js';
import { know } from '../e2e/support/fuzz/stage.js';
import { World } from '../e2e/support/fuzz/world.js';
import { Operator, send } from '../e2e/support/operator.js';
import { proof } from '../e2e/support/proof.js';
import { openStackDatabaseAsAdmin } from '../e2e/support/stack-database.js';

const { full, figures, raw, random, seed, shuffled } = proof();
const callers = 8;
/** In each payload, so that what became of it is found. */
const mark = 'zqmark';
const payloads: readonly string[] = [
  `${mark}'; drop table users; --`,
  `${mark}' or '1'='1`,
  `${mark}"; delete from tenant; --`,
  `${mark}\\'; select pg_sleep(30); --`,
  `$1 ${mark} $2`,
  `${mark}$$; select 1; $$`,
  `E'\\x27${mark}`,
  `${mark}/* */ union select password_hash from users`,
  `${mark}%_%`,
  `{${mark},"a","b"}`,
  `(${mark},1)::record`,
  `${mark}\u0000tail`,
  `${mark}.>`,
  `evt.${mark}.*`,
  `*`,
  `>`,
  `${mark} reply.inbox 5\r\nPUB evt.user.x 0\r\n`,
  `${mark}\r\nset-cookie: x=y`,
  `$KV.${mark}.a`,
  `${mark}ʼ’＇`,
  `${mark}\u202e\ufeff\u2028`,
  `${mark}😀`,
  `${mark}\ud800`,
  '../../' + mark,
  mark.repeat(3_000),
];

/** Rows that come with each success of an operation, and with nothing else. Plans also come by jobs that start others. */
const made: Readonly<Record<string, RegExp>> = {
  'api_gateway.users': /^(users|serviceAccounts|projects)\.create$/,
  'api_gateway.api_token': /^((apiTokens|projectKeys)\.create|serviceAccounts\.createToken)$/,
  'placement.tenant': /^tenants\.create$/,
};
/** Events, dead letters, pokes and increments of ours; the answers, streams and buckets of the bus itself. */
const subjects =
  /^(evt\.[a-z0-9_]+\.[A-Za-z0-9_=~%-]+\.[A-Za-z0-9_]+|(retry|dead)\.[A-Za-z0-9_-]+|poke\.(log|relay|checkpoint|job)|placement\.increments|(_INBOX(_[a-z-]+)?|_R_)\.[A-Za-z0-9_.]+|\$JS\.\S+|\$KV\.(PLACEMENT|CONFIG)\.\S+)$/;

let stack: Stack;
let admin: Database;
let bus: NatsConnection;
let fuzzer: Fuzzer;
const heard = new Set<string>();
const world = new World();

beforeAll(async () => {
  stack = await startStack({
    ...{ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined },
    env: { ACCESS_TOKEN_TTL_SECONDS: '3600', RATE_LIMIT_PER_MINUTE: '1000000', FLEET_CALL_TIMEOUT_MS: '2000' },
  });
  const account = stack.firstAdmin();
  const ann = await Operator.login(stack.url, stack.simUrl, account);
  const signedIn = await send<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, { method: 'POST', body: { ...account } });
  const token = signedIn.body.access_token;
  fuzzer = new Fuzzer(
    stack.url,
    world,
    { allowed: () => token, anybody: () => token, cookie: () => undefined, answered: () => undefined },
    random,
  );
  world.know('email', 'nobody@example.test');
  world.know('password', 'not the password of anybody');
  world.know('new passwords', 'a-password-that-is-long');
  world.know('new tenants', ...Array.from({ length: 40 }, (_, n) => `inject-${String(n)}`));
  world.know('new names', ...Array.from({ length: 40 }, (_, n) => `inject-${String(n)}`));
  world.know('spare shards', 'spare-1');
  world.know('reload kind', 'gateway');
  world.know('reload shard', 'gateway-1');
  world.know('tenant', 'tenant');
  world.know('seconds', 0);
  world.know('ages', 60_000);
  world.know('schedule kinds', 'reload');
  world.know('schedule params', { kind: 'gateway', shard: 'gateway-1' });
  world.know('hook urls', 'http://127.0.0.1:9/hook');
  world.know('hook types', ['job.*']);
  world.know('crons', '0 3 1 1 *');
  world.know('zones', 'UTC');
  await definitions({ fuzzer, world });
  await know({ fuzzer, world, ann } as Parameters<typeof know>[0]);
  admin = await openStackDatabaseAsAdmin(stack.stateDir, 'audit');
  const read = (name: string) => readFileSync(join(stack.stateDir, name), 'utf8').trim();
  const { nats } = JSON.parse(read('ports.json')) as { nats: number };
  bus = await connect({ servers: `127.0.0.1:${String(nats)}`, user: 'fairlead', pass: read('secrets/nats-token') });
  bus.subscribe('>', { callback: (_, { subject }) => void heard.add(subject) });
  await bus.flush();
}, 180_000);

afterAll(async () => {
  await bus.close();
  await admin.close();
  await stack.stop();
}, 60_000);

const counts = async () =>
  Object.fromEntries(
    await Promise.all(
      Object.keys(made).map(async (table) => {
        const [row] = await admin.query<{ rows: number }>(`select count(*) as rows from ${table}`);
        return [table, row?.rows ?? 0] as const;
      }),
    ),
  );
/** All that SQL could have made or dropped: tables, columns, functions, roles and settings. */
const shape = () =>
  admin.query(
    `select table_schema || '.' || table_name || '.' || column_name || ' ' || data_type as thing from information_schema.columns
       where table_schema not in ('pg_catalog', 'information_schema') and table_name !~ '_p?[0-9]+$'
     union all select 'function ' || oid::regprocedure::text from pg_proc where pronamespace::regnamespace::text !~ '^pg_|information_schema'
     union all select 'role ' || rolname || rolsuper || rolcreaterole from pg_roles order by 1`,
  );
const succeeded = (wanted: RegExp) =>
  [...fuzzer.tally].flatMap(([id, statuses]) => (wanted.test(id) ? [statuses.get(201) ?? 0] : [])).reduce((sum, count) => sum + count, 0);
/** Logins take their time on purpose, and streams do not end. */
const rare = (operation: Operation) =>
  ['auth.login', 'users.create', 'auth.password', 'fleet.snapshot', 'auditExport.get'].includes(operation.id);

describe(`texts of callers, by seed ${String(seed)}`, () => {
  it(
    'stay texts, wherever they are written',
    async () => {
      const [before, shaped, done] = [await counts(), await shape(), Object.values(made).map(succeeded)];
      const perSite = full ? payloads.length : 2;
      const requests = shuffled(
        operations
          .filter(({ id }) => id !== 'probes.ready')
          .flatMap((operation) =>
            sitesOf(operation).flatMap((site) =>
              shuffled(payloads)
                .slice(0, rare(operation) ? Math.min(perSite, 2) : perSite)
                .map((payload) => ({ operation, site, payload })),
            ),
          ),
      );
      figures['places'] = operations.flatMap(sitesOf).length;
      figures['requests'] = requests.length;
      const call = async () => {
        for (let next = requests.pop(); next !== undefined; next = requests.pop()) {
          const { operation, site, payload } = next;
          const { status } = await fuzzer.changed(operation, (right) => placed(right, site, payload));
          if (full) raw.push([operation.id, site, payload.slice(0, 60), status]);
        }
      };
      await Promise.all(Array.from({ length: callers }, call));
      for (const hundred of [2, 4, 5]) figures[`${String(hundred)}xx`] = fuzzer.answered(hundred);
      expect(fuzzer.faults.slice(0, 10)).toEqual([]);
      const after = await counts();
      const gained = Object.entries(made).map(([table, by], n) => [
        table,
        (after[table] ?? 0) - (before[table] ?? 0),
        succeeded(by) - (done[n] ?? 0),
      ]);
      for (const [table, rows, successes] of gained) expect([table, rows]).toEqual([table, successes]);
      expect(await shape()).toEqual(shaped);
    },
    full ? 1_800_000 : 420_000,
  );

  it('have made no subject, and left the log whole', async () => {
    await bus.flush();
    expect(heard.size).toBeGreaterThan(0);
    const strange = [...heard].filter((subject) => !subjects.test(subject) || subject.includes(mark));
    expect(strange.slice(0, 10)).toEqual([]);
    const verified = await fuzzer.ask('auditVerify.verify', { body: {} });
    expect([verified.status, (verified.body as { broken: unknown }).broken]).toEqual([200, null]);
    expect(fuzzer.faults).toEqual([]);
  }, 120_000);
});
