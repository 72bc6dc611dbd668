/** Every function that a service may execute, called with what nobody means: refused or without effect. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aggregateOwners, controlPlaneServices, type ControlPlaneService } from '@fairlead/contracts';
import { openDatabase, roleOf, schemaOf, sqlState, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { testDatabase, type TestDatabase } from '@fairlead/testing';

const logger = createLogger({ service: 'test', level: 'silent' });
let database: TestDatabase;
const services = new Map<ControlPlaneService, Database>();

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
  for (const service of controlPlaneServices) {
    const own = { ...database.access(service), schema: schemaOf(service) };
    const db = await openDatabase({ ...own, poolSize: 2, applicationName: 'test', logger });
    services.set(service, db);
    await db.query(`select log.lock_projection($1), log.add_epoch($1, 1, 2, '{kept}')`, [mine(service)]);
    await database.adminSql.query(
      `do $$ begin set local role ${roleOf(service)}_owner; create table ${schemaOf(service)}.kept_v1 (n int); end $$`,
    );
    await db.query(`select make_epoch_table('kept', 1, 'kept_v1'), serve_epoch_table('kept', 1)`);
  }
}, 60_000);

afterAll(async () => {
  await Promise.all([...services.values()].map((db) => db.close()));
  await database.drop();
});

const mine = (service: ControlPlaneService) => `of_${schemaOf(service)}`;
const kindOf = (service: ControlPlaneService) => Object.entries(aggregateOwners).find(([, owner]) => owner === service)?.[0] ?? 'none';

/** Arguments, as SQL, with which each function does something. */
const sound = (service: ControlPlaneService): Readonly<Record<string, readonly string[]>> => {
  const [name, kind, schema] = [`'${mine(service)}'`, kindOf(service), schemaOf(service)];
  const event = { aggregate_type: kind, aggregate_id: 'x', type: 'x', payload: {}, meta: {} };
  const texts = ['x', '{}', '{}'].map((value) => `array['${value}']`);
  return {
    'log.append(jsonb)': [`'${JSON.stringify([{ command_id: 'c', events: [event] }])}'`],
    'log.append(text[],integer[],text[],text[],bigint[],text[],integer[],text[],text[])': [
      ...[`array['c']`, `'{1}'`, `array['${kind}']`, `array['x']`, `'{0}'`, texts[0] ?? '', `'{1}'`, ...texts.slice(1)],
    ],
    'log.append_event(text,text,text,bigint,text,integer,text,text)': [...[`'c'`, `'${kind}'`, `'x'`, `0`, `'x'`, `1`, `'{}'`, `'{}'`]],
    'log.read(bigint,bigint,bigint)': ['0', '2', '1000'],
    'log.keep_partitions()': [],
    'log.lock_projection(text)': [`'another'`],
    'log.add_epoch(text,integer,integer,text[])': [name, '1', '1', `'{kept}'`],
    'log.retire_epoch(text,integer)': [name, '2'],
    'log.drop_epoch(text,integer)': [name, '2'],
    'log.claim_parts(text,integer,bigint)': [name, '1', '1'],
    'log.advance_parts(text,integer,integer[],bigint,bigint)': [name, '1', `'{0,1}'`, '0', '1'],
    'log.stop_part(text,integer,integer,bigint,text,interval)': [name, '1', '0', '1', `'why'`, `'1 s'`],
    'log.lock_parts(text)': [name],
    'log.swap_epoch(text,integer)': [name, '2'],
    'log.epoch_is_level(text,integer)': [name, '1'],
    'log.swap_was_told(text,integer)': [name, '1'],
    'log.set_projection_paused(text,boolean)': [name, 'true'],
    'log.skip_event(text,integer,bigint)': [name, '1', '1'],
    'log.request_rebuild(text)': [name],
    'log.cancel_rebuild(text)': [name],
    'log.forget_commands(bigint)': ['0'],
    'log.chain_lag()': [],
    'log.note_chained(bigint)': ['0'],
    'log.begin_incarnation_after(bigint,uuid)': ['0', '(select incarnation from log.head)'],
    [`${schema}.make_epoch_table(text,integer,text)`]: [`'kept'`, '2', `'kept_v1'`],
    [`${schema}.serve_epoch_table(text,integer)`]: [`'kept'`, '1'],
    [`${schema}.drop_epoch_table(text,integer)`]: [`'kept'`, '1'],
  };
};

/** What is meant by nobody, of each type. */
const odd: Readonly<Record<string, readonly string[]>> = {
  text: [`null`, `''`, `repeat('x', 300)`, `'"; drop schema log; --'`],
  integer: ['null', '-1', '0', '2147483647'],
  bigint: ['null', '-1', '9223372036854775807'],
  'integer[]': ['null', `'{}'`, `'{null}'`, `'{-1}'`, `'{0,null}'`, `'{0,0}'`, `'{0,9}'`, `'{2147483647}'`, `'{{0},{1}}'`],
  'bigint[]': ['null', `'{}'`, `'{-1}'`, `'{0,0}'`, `'{9223372036854775807}'`],
  'text[]': ['null', `'{}'`, `'{null}'`, `'{""}'`, `'{a,b}'`, `array[repeat('x', 300)]`, `'{{a},{b}}'`, `'[5:5]={a}'`],
  boolean: ['null'],
  uuid: ['null', `'00000000-0000-0000-0000-000000000000'`],
  interval: ['null', `'-1 s'`, `'1000 years'`, `'infinity'`],
  jsonb: [
    'null',
    `'null'`,
    `'[]'`,
    `'{}'`,
    `'"x"'`,
    `'[null]'`,
    `'[{}]'`,
    `'[{"command_id":"c","events":[]}]'`,
    `'[{"command_id":null,"events":[{}]}]'`,
  ],
};

/** What may be so after all: no command id, any version, any type, a kind of event that only a later release knows, no table under a name. */
const meant: readonly (readonly [signature: RegExp, argument: number, values: readonly string[]])[] = [
  [/append_event/, 3, ['null']],
  [/append_event/, 4, [`'"; drop schema log; --'`]],
  [/append_event/, 2, [`'"; drop schema log; --'`]],
  [/append_event/, 0, ['null', `'"; drop schema log; --'`]],
  [/append\(text/, 0, [`'{null}'`]],
  [/append_event/, 5, ['2147483647']],
  [/append\(text/, 6, [`'{2147483647}'`]],
  [/add_epoch/, 1, ['2147483647']],
  [/add_epoch/, 3, [`'{}'`, `'{a,b}'`, `'{{a},{b}}'`, `'[5:5]={a}'`]],
  [/stop_part/, 4, [`''`, `repeat('x', 300)`, `'"; drop schema log; --'`]],
  [/serve_epoch_table/, 1, ['null']],
  [/make_epoch_table/, 1, ['2147483647']],
];

function callsOf(signature: string, args: readonly string[]): string[] {
  const types = (/\((.*)\)/.exec(signature)?.[1] ?? '').split(',').filter((type) => type !== '');
  const call = (given: readonly string[]) =>
    `select ${signature.slice(0, signature.indexOf('('))}(${given.map((value, n) => `(${value})::${types[n] ?? ''}`).join(', ')})`;
  const one = types.flatMap((type, n) => {
    const but = meant.filter(([of, argument]) => of.test(signature) && argument === n).flatMap(([, , values]) => values);
    return (odd[type] ?? []).filter((value) => !but.includes(value)).map((value) => call(args.with(n, value)));
  });
  return types.length === 0 ? [] : [...one, call(types.map(() => 'null'))];
}

/** All that the log and the services' schemas hold, and which relations there are. */
async function everything(): Promise<unknown> {
  const tables = await database.adminSql.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'log'::regnamespace and c.relkind in ('r', 'p') order by 1`,
  );
  const rows = tables.map(({ name }) => `'${name}', (select jsonb_agg(t order by t::text) from ${name} t)`);
  return database.adminSql.query(
    `select jsonb_build_object(${rows.join(', ')}) as rows,
       (select array_agg(c.oid::regclass::text order by 1) from pg_class c where c.relnamespace::regnamespace::text !~ '^pg_|^information_schema') as relations`,
  );
}

const executable = (service: ControlPlaneService) =>
  database.adminSql.query<{ signature: string }>(
    `select p.oid::regprocedure::text as signature from pg_proc p
       where p.pronamespace::regnamespace::text !~ '^(pg_|information_schema|public)' and has_function_privilege($1, p.oid, 'execute') order by 1`,
    [roleOf(service)],
  );

describe.each([...controlPlaneServices])('%s', (service) => {
  const db = () => services.get(service) ?? database.db;

  it('may execute no function but these', async () => {
    const known = Object.keys(sound(service));
    const found = (await executable(service)).map(({ signature }) => signature);
    expect(found.filter((signature) => !known.includes(signature))).toEqual([]);
    if (service === 'audit') expect(known.filter((signature) => !found.includes(signature))).toEqual([]);
  });

  it('leaves nothing behind with a call that nobody means', async () => {
    const before = await everything();
    const refusals = new Set<string>();
    for (const { signature } of await executable(service)) {
      for (const call of callsOf(signature, sound(service)[signature] ?? [])) {
        const state = await db()
          .query(call)
          .then(
            () => 'done',
            (error: unknown) => `${sqlState(error) ?? ''} ${String(error)}`,
          );
        // Bad values, broken constraints, rights, bounds; never an error within.
        expect([call, state]).toEqual([call, expect.stringMatching(/^(done|22|23|42501|42P01|42704|54|55|2202)/)]);
        refusals.add(state.slice(0, 5));
      }
      expect([signature, await everything()]).toEqual([signature, before]);
    }
    expect([...refusals]).toContain('22023');
  }, 60_000);
});

it('the calls do something when what they are given is meant', async () => {
  const db = services.get('audit');
  for (const [signature, args] of Object.entries(sound('audit'))) {
    const done = db?.transaction(async (tx) => {
      await tx.query(`select ${signature.slice(0, signature.indexOf('('))}(${args.join(', ')})`);
      throw new Error('taken back');
    });
    // Refused by Postgres while the view reads from the table.
    await expect(done).rejects.toThrow(signature.includes('drop_epoch_table') ? 'depend on it' : 'taken back');
  }
});

describe('checkpoints', () => {
  const advance = (parts: string, from = '0', to = '1') =>
    database.db.query(`select log.advance_parts('checked', 1, ${parts}, ${from}, ${to}) as moved`);

  beforeAll(async () => {
    await database.adminSql.query(`update log.head set position = 1`);
    await database.db.query(`select log.lock_projection('checked'), log.add_epoch('checked', 1, 3, '{}')`);
  });

  it.each([`'{}'`, `null`, `'{null}'`, `'{0,null}'`, `'{0,0}'`])('of parts %s are not moved, and it is said why', async (parts) => {
    await expect(advance(parts)).rejects.toMatchObject({ message: expect.stringContaining('at least one and each once') });
    expect(await advance(parts).catch(sqlState)).toBe('22023');
  });

  it.each([
    ['null', '1'],
    ['0', 'null'],
    ['-1', '1'],
    ['0', '0'],
    ['1', '0'],
  ])('are not moved from %s to %s', async (from, to) => {
    await expect(advance(`'{0}'`, from, to)).rejects.toThrow('from a position to a later one');
  });

  it('are moved all or none', async () => {
    await expect(advance(`'{0,9}'`)).rejects.toThrow('not all of these parts stand at 0');
    expect(await advance(`'{7,9}'`)).toEqual([{ moved: false }]);
    expect(await advance(`'{0}'`, '0', '2')).toEqual([{ moved: false }]);
    expect(await database.db.query(`select max(position) as moved from log.projection_part where name = 'checked'`)).toEqual([
      { moved: 0 },
    ]);
    expect(await advance(`'{0,2}'`)).toEqual([{ moved: true }]);
  });
});

describe('names of projections', () => {
  const lock = (name: string, db = database.db) => db.query('select log.lock_projection($1)', [name]);

  it.each(['', 'A', '1st', 'a-b', 'a b', 'ü', `a${'b'.repeat(41)}`, 'a\nb', 'a\n'])('%j is none', async (name) => {
    await expect(lock(name)).rejects.toThrow('a projection has a name of small letters');
  });

  it('are 100 to a role at most, also when many are made known at once', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 130 }, (_, n) => lock(`invented_${String(n)}`)));
    const count = `select count(*) as names from log.projection_control where role = 'fairlead_placement'`;
    expect(await database.db.query(count)).toEqual([{ names: 100 }]);
    const refused = attempts.find((attempt) => attempt.status === 'rejected');
    expect(String(refused?.reason)).toContain('fairlead_placement has 100 projections already');
    // Those that it has go on, and others are not concerned.
    await lock(mine('placement'));
    await lock('invented_elsewhere', services.get('provisioner'));
  });

  it('have 50 epochs at most, and a schema 200 tables of epochs', async () => {
    const name = mine('placement');
    const addUp = async (from: number, to: number) => {
      for (let epoch = from; epoch <= to; epoch += 1)
        await database.db.query(`select log.add_epoch($1, 1, 1, '{}'), log.retire_epoch($1, $2)`, [name, epoch]);
    };
    await addUp(2, 50);
    await expect(addUp(51, 51)).rejects.toThrow('has 50 epochs');
    await database.db.query('select log.drop_epoch($1, 2)', [name]);
    await addUp(51, 51);
    const make = (epoch: number) => database.db.query(`select make_epoch_table('many', $1, 'kept_v1')`, [epoch]);
    for (let epoch = 1; epoch < 200; epoch += 1) await make(epoch);
    await expect(make(200)).rejects.toThrow('has 200 tables of epochs already');
  }, 60_000);

  it('that are not used any more are removed by an administrator, once their tables are', async () => {
    const remove = (name: string) => database.adminSql.query('select log.remove_projection($1)', [name]);
    const db = services.get('provisioner');
    await expect(db?.query(`select log.remove_projection('invented_elsewhere')`)).rejects.toThrow('permission denied');
    await remove('invented_elsewhere');
    await expect(remove('invented_elsewhere')).rejects.toThrow('there is no projection invented_elsewhere');
    const name = mine('provisioner');
    await expect(remove(name)).rejects.toThrow(`projection ${name} still has tables: provisioner.kept_e1`);
    await database.adminSql.query('drop view provisioner.kept; drop table provisioner.kept_e1');
    await remove(name);
    const left = `select (select count(*) from log.projection_control where name = $1) + (select count(*) from log.projection_part where name = $1) as n`;
    expect(await database.adminSql.query(left, [name])).toEqual([{ n: 0 }]);
  });
});
