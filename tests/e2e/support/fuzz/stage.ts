/** What has to be there in a stack for every operation of its API to have something to succeed with. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '@fairlead/dev-env';
import { connectMessaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';
import { eventually, type FailpointBoard } from '@fairlead/testing';
import type { OpenIdProvider } from '../../../../apps/api-gateway/src/testing/openid-provider.js';
import { appCode } from '../authenticator.js';
import type { Operator } from '../operator.js';
import { openStackDatabaseAsAdmin } from '../stack-database.js';
import { definitions } from './definitions.js';
import type { Fuzzer } from './fuzzer.js';
import type { World } from './world.js';

const reason = 'part of a fuzz';

export interface Stage {
  readonly stack: Stack;
  /** The issuer `corp` that people sign in at. */
  readonly provider: OpenIdProvider;
  readonly board: FailpointBoard;
  readonly ann: Operator;
  /** Somebody else who may approve. */
  readonly bobToken: () => string;
  readonly fuzzer: Fuzzer;
  readonly world: World;
}

/** Makes it, by requests that are held against the document as all others. */
export async function prepare(stage: Stage): Promise<void> {
  await know(stage);
  await people(stage);
  await signIn(stage);
  await webhooks(stage);
  await programs(stage);
  await orgs(stage);
  await deadLetters(stage);
  await definitions(stage);
  await jobs(stage);
  await projections(stage);
}

/** Lists what there is. */
export async function know({ fuzzer, world, ann }: Stage): Promise<void> {
  for (const id of ['tenants.list', 'jobs.list', 'schedules.list', 'sessions.list', 'apiTokens.list', 'deadLetters.list', 'logEvents.list'])
    await fuzzer.ask(id, { query: id === 'schedules.list' ? {} : { limit: 40 } });
  const kinds = ['aggregate', 'projection', 'runner'];
  const [tenant = ''] = world.of('tenants') as string[];
  const to = await ann.elsewhere(tenant);
  world.know('principals', (await ann.me()).principal);
  world.know('roles', 'viewer', 'operator');
  world.know('scopes', '/', '/tenants/tenant-01');
  world.know('targets', ...kinds.flatMap((kind) => [{ [kind]: to[kind] }, { [kind]: `${kind}-1` }]));
}

/** Somebody who is there to be changed, and somebody who sets a second factor up, and loses it. */
async function people({ fuzzer, world }: Stage): Promise<void> {
  await fuzzer.ask('users.create', { body: { email: 'fred@example.test', password: 'fred-has-a-long-password', roles: ['viewer'] } });
  const account = { email: 'dora@example.test', password: 'dora-has-a-long-password' };
  const made = await fuzzer.ask('users.create', { body: { ...account, roles: ['viewer'] } });
  const id = (made.body as { user_id: string }).user_id;
  const signedIn = (await fuzzer.ask('auth.login', { body: account })).body as { access_token: string };
  const ask = (operation: string, body: Record<string, unknown>) => fuzzer.ask(operation, { body }, signedIn.access_token);
  const { secret } = (await ask('totp.enrol', { current_password: account.password })).body as { secret: string };
  await ask('totp.confirm', { code: appCode(secret) });
  const codes = await ask('totp.recoveryCodes', { current_password: account.password, code: appCode(secret, 1) });
  const [code] = (codes.body as { recovery_codes: string[] }).recovery_codes;
  await ask('totp.disable', { current_password: account.password, code });
  await fuzzer.ask('users.resetTotp', { path: { id }, body: { reason } });
  world.forget('users', id);
  await fuzzer.ask('auth.password', { body: { current_password: world.password, new_password: 'eve-has-another-long-password' } });
  // The next key has to have been published for a while.
  await eventually(async () => (await fuzzer.ask('signingKeys.rotate', { body: { reason } })).status === 200, {
    what: 'the signing keys are rotated',
    timeoutMs: 60_000,
    intervalMs: 500,
  });
}

/** Somebody who comes back from the issuer: with what is good for once, and in the browser that it began in. */
async function signIn({ provider, fuzzer }: Stage): Promise<void> {
  provider.accounts.set('olga', { email: 'olga@corp.test', groups: ['ops'] });
  const path = { issuer: 'corp' };
  const { body, cookie } = await fuzzer.ask('oidc.start', { path });
  const { code, state, iss } = await provider.visit((body as { authorization_url: string }).authorization_url, 'olga');
  await fuzzer.ask('oidc.callback', { path, headers: { cookie }, body: { code, state, iss } });
}

/** A role that its maker may give, and a service account and a token of it, which the fuzzer would hardly find together. */
async function programs({ fuzzer }: Stage): Promise<void> {
  await fuzzer.ask('roles.create', { body: { name: 'prepared', description: 'A role', permissions: ['job.read'] } });
  await fuzzer.ask('roles.change', { path: { name: 'prepared' }, headers: { 'If-Match': '*' }, body: { description: 'The role' } });
  const made = await fuzzer.ask('serviceAccounts.create', { body: { name: 'prepared' } });
  const { service_account_id: id } = made.body as { service_account_id: string };
  const { token_id: token } = (await fuzzer.ask('serviceAccounts.createToken', { path: { id }, body: { name: 'ci', roles: ['viewer'] } }))
    .body as { token_id: string };
  await fuzzer.ask('serviceAccounts.rotateToken', { path: { id, token }, body: {} });
  await fuzzer.ask('serviceAccounts.get', { path: { id } });
  await fuzzer.ask('serviceAccounts.change', { path: { id }, headers: { 'If-Match': '*' }, body: { disabled: true } });
}

/** An org and its project, which the fuzzer would hardly find together, and those that come to an end. */
async function orgs({ fuzzer }: Stage): Promise<void> {
  const anyRevision = { 'If-Match': '*' };
  for (const org of ['leaving', 'prepared']) {
    await fuzzer.ask('orgs.create', { body: { name: org, display_name: 'An org' } });
    await fuzzer.ask('orgs.get', { path: { org } });
    await fuzzer.ask('orgs.change', { path: { org }, headers: anyRevision, body: { display_name: 'The org' } });
    await fuzzer.ask('projects.create', { path: { org }, body: { name: 'web', display_name: 'A project' } });
    const path = { org, project: 'web' };
    await fuzzer.ask('projects.get', { path });
    await fuzzer.ask('projects.list', { path: { org } });
    await fuzzer.ask('projects.change', { path, headers: anyRevision, body: { display_name: 'The project' } });
    const { key_id: key } = (await fuzzer.ask('projectKeys.create', { path, body: { name: 'ci', role: 'viewer' } })).body as {
      key_id: string;
    };
    await fuzzer.ask('projectKeys.rotate', { path: { ...path, key }, body: {} });
    await fuzzer.ask('projectKeys.list', { path });
    if (org === 'prepared') continue;
    await fuzzer.ask('projectKeys.revoke', { path: { ...path, key } });
    await fuzzer.ask('projects.delete', { path, headers: anyRevision });
    await fuzzer.ask('orgs.delete', { path: { org }, headers: anyRevision });
  }
}

/** A delivery of one webhook, which the fuzzer would hardly find together. */
async function webhooks({ fuzzer }: Stage): Promise<void> {
  const body = { name: 'prepared', url: 'http://127.0.0.1:9/', types: ['job.*'] };
  const { webhook_id: id } = (await fuzzer.ask('webhooks.create', { body })).body as { webhook_id: string };
  const { delivery_id: delivery } = (await fuzzer.ask('webhooks.test', { path: { id } })).body as { delivery_id: string };
  await fuzzer.ask('webhookDeliveries.list', { path: { id } });
  await fuzzer.ask('webhookDeliveries.get', { path: { id, delivery } });
  await fuzzer.ask('webhookDeliveries.replay', { path: { id, delivery } });
  await fuzzer.ask('webhookDeliveries.replayRange', { path: { id }, body: { from: 1, to: 1_000 } });
  await fuzzer.ask('webhooks.get', { path: { id } });
  await fuzzer.ask('webhooks.rotate', { path: { id }, body: {} });
  await fuzzer.ask('webhooks.change', { path: { id }, headers: { 'If-Match': '*' }, body: { enabled: false } });
}

async function deadLetters({ stack, fuzzer }: Stage): Promise<void> {
  const read = (name: string) => readFileSync(join(stack.stateDir, name), 'utf8').trim();
  const { nats } = JSON.parse(read('ports.json')) as { nats: number };
  const messaging = await connectMessaging({
    ...{ url: `nats://127.0.0.1:${String(nats)}`, user: 'fairlead', token: read('secrets/nats-token'), namespace: '', name: 'fuzz' },
    logger: createLogger({ service: 'fuzz', level: 'silent' }),
  });
  const consumer = messaging.consume({
    name: 'fuzz',
    stream: 'evt',
    filters: [messaging.topology.subjects.eventsOf('tenant')],
    maxDeliver: 1,
    handler: () => Promise.reject(new Error('it can do nothing with this')),
  });
  try {
    const letters = await eventually(
      async () => {
        const found = await messaging.deadLetters.list({ consumer: 'fuzz' });
        return found.length < 3 ? undefined : found;
      },
      { timeoutMs: 30_000, what: 'three dead letters' },
    );
    await fuzzer.ask('deadLetters.list');
    const settle = (id: string, sequence: number | undefined) => fuzzer.ask(id, { path: { sequence }, body: { reason } });
    await settle('deadLetters.replay', letters[0]?.sequence);
    await settle('deadLetters.discard', letters[1]?.sequence);
  } finally {
    await consumer.stop();
    await messaging.close();
  }
}

/** A job that comes to need attention and is tried again, one that is told something, one that is paused and let go on, a plan that is approved. */
async function jobs(stage: Stage): Promise<void> {
  const { fuzzer, world, ann, board, bobToken } = stage;
  const [first = '', second = '', third = '', fourth = ''] = world.of('tenants') as string[];
  // What moves in between makes a plan stale, and another's job may hold the lock: then once more.
  const start = (plan: string, job: string, params: Record<string, unknown>) =>
    eventually(
      async () => {
        const planned = await fuzzer.ask(plan.includes('.') ? plan : `plans.${plan}`, { body: { ...params, reason } });
        const { digest } = planned.body as { digest: string };
        const headers = { 'Idempotency-Key': randomUUID() };
        const { status, body } = await fuzzer.ask(job.includes('.') ? job : `jobs.${job}`, {
          headers,
          body: { plan_digest: digest, reason },
        });
        if (status !== 202) throw new Error(`${job} was answered with ${JSON.stringify(body)}`);
        return (body as { job_id: string }).job_id;
      },
      { timeoutMs: 60_000, what: `${job} to start` },
    );
  const at = 'job.tenant-migrate.resume.before_attempt';
  board.set(at, 'pause');
  const to = await ann.elsewhere(first);
  const attention = await start('migrate', 'migrate', { tenant: first, to });
  await board.hit(at);
  await ann.turn('projection', to['projection'] ?? '', { down: true });
  board.release(at);
  await ann.ended(attention);
  await ann.turn('projection', to['projection'] ?? '', { down: false });
  await fuzzer.ask('jobs.retry', { path: { id: attention }, body: { reason } });
  await ann.ended(attention);

  const waits = 'job.tenant-migrate.wait-drained.before_attempt';
  board.set(waits, 'pause');
  const paused = await start('migrate', 'migrate', { tenant: second, to: { runner: (await ann.elsewhere(second))['runner'] } });
  await board.hit(waits);
  await fuzzer.ask('jobs.signal', { path: { id: paused, name: 'look' }, body: { payload: { at: 'the rack' } } });
  await fuzzer.ask('jobs.pause', { path: { id: paused }, body: { reason } });
  board.release(waits);
  await eventually(async () => ((await ann.job(paused)).paused_at === null ? undefined : true), {
    timeoutMs: 30_000,
    what: 'a paused job',
  });
  await fuzzer.ask('jobs.unpause', { path: { id: paused }, body: { reason } });
  // Its moves would make the next plan stale before its job is started.
  await ann.ended(paused);
  const { runner } = await ann.elsewhere(third);
  // Who is there already can't be moved there.
  const isThere = (await ann.placementOf(fourth))['runner'] === runner;
  await start('migrateMany', 'migrateMany', { tenants: isThere ? [third] : [third, fourth], to: { runner } });
  await start('rebalance', 'rebalance', { kind: 'aggregate', max_moves: 1 });
  const spare = { path: { kind: 'runner', shard_id: 'to-go' }, body: { endpoints: [], labels: { node: 'host-9' }, state: 'cordoned' } };
  world.know('nodes', 'host-9');
  await fuzzer.ask('shards.put', spare);
  const toGo = { kind: 'runner', shard: 'to-go' };
  await ann.ended(await start('drains.planResumeShard', 'drains.resumeShard', toGo));
  await ann.ended(await start('drains.planDrainNode', 'drains.drainNode', { node: 'host-9' }));
  await ann.ended(await start('drains.planResumeNode', 'drains.resumeNode', { node: 'host-9' }));
  await ann.ended(await start('drains.planDrainShard', 'drains.drainShard', toGo));
  await start('decommission', 'decommission', toGo);
  await start('drain', 'drain', { tenant: fourth });
  await start('resume', 'resume', { tenant: third });
  // Its end moves what the next one is planned from.
  await ann.ended(await start('configApply', 'configApply', { domain: 'placement', content: { cooldown_seconds: 60 } }));
  await ann.ended(await start('configRollback', 'configRollback', { domain: 'placement', revision: 0 }));
  const reload = await start('reload', 'reload', { kind: 'gateway', shard: 'gateway-1' });
  await fuzzer.ask('jobs.cancel', { path: { id: reload }, body: { reason } });
  const { body } = await fuzzer.ask('plans.reload', { body: { kind: 'gateway', shard: 'gateway-1', reason } });
  await fuzzer.ask('plans.approve', { path: { id: (body as { plan_id: string }).plan_id }, body: { reason } }, bobToken());
}

interface Epoch {
  stopped: { position: number } | null;
}

/** A projection that is stopped at an event which passes, and one whose rebuild is given up. */
async function projections({ stack, fuzzer }: Stage): Promise<void> {
  const name = 'aggregate_summary';
  const decide = (what: string, more: Record<string, unknown> = {}) =>
    fuzzer.ask(`projections.${what}`, { path: { name }, body: { reason, ...more } });
  for (const what of ['pause', 'rebuild', 'cancelRebuild', 'resume']) await decide(what);
  const shown = async () =>
    (await fuzzer.ask('projections.get', { path: { name } })).body as { epochs: Epoch[]; rebuild_requested: boolean };
  await eventually(
    async () => {
      const { epochs, rebuild_requested: requested } = await shown();
      return epochs.length === 1 && !requested ? true : undefined;
    },
    { timeoutMs: 30_000, what: 'one epoch' },
  );
  const db = await openStackDatabaseAsAdmin(stack.stateDir, 'audit');
  try {
    await db.query(
      `create function audit.refuse_poison() returns trigger language plpgsql as $$ begin
         if new.aggregate_id = 'poison' then raise exception 'poison'; end if; return new; end $$`,
    );
    const tables = await db.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'audit' and c.relkind = 'r' and c.relname like 'aggregate%'`,
    );
    const triggers = tables.map((table) => table.name);
    for (const table of triggers)
      await db.query(`create trigger refuse_poison before insert on audit.${table} for each row execute function audit.refuse_poison()`);
    const made = await fuzzer.ask('tenants.create', {
      headers: { 'Idempotency-Key': randomUUID() },
      body: { tenant_id: 'poison', name: 'Poison' },
    });
    if (made.status !== 201) throw new Error(`the tenant was answered with ${String(made.status)}`);
    const stopped = await eventually(async () => (await shown()).epochs.find((epoch) => epoch.stopped !== null)?.stopped ?? undefined, {
      timeoutMs: 30_000,
      what: 'the projection to stop',
    });
    for (const table of triggers) await db.query(`drop trigger refuse_poison on audit.${table}`);
    await decide('skip', { position: stopped.position });
    await db.query('drop function audit.refuse_poison()');
  } finally {
    await db.close();
  }
}
