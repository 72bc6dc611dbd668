/**
 * The oracle of the trail: everything that has an effect somewhere, read from where the effect is, and which of the trail's rows tell of
 * it. Made from the lists that there are: tables, buckets, the fleet's ledgers. One that is new is told of nowhere until it is entered here.
 */
import type { Stack } from '@fairlead/dev-env';
import type { Messaging } from '@fairlead/messaging';
import { watchPlacement, type PlacementSnapshot } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually } from '@fairlead/testing';
import { effectsOf, tablesOf } from './world-state.js';

/** A row of the trail, as the API answers it. */
export interface TrailRow {
  position: number;
  action: string;
  principal: string;
  tenant_id: string | null;
  resource_id: string;
  request_id: string | null;
  correlation_id: string | null;
  job_id: string | null;
  details: Record<string, unknown>;
}

export interface Effect {
  /** Where it was found: a table, a bucket, the ledgers. */
  readonly source: string;
  readonly what: string;
  /** A row that tells of it. */
  about(row: TrailRow): boolean;
  /** Whether these rows tell of it, all that there are; one is enough when not given. */
  holds?(rows: readonly TrailRow[]): boolean;
}

type Row = Record<string, unknown>;
type Told = Omit<Effect, 'source'>;

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const told = (what: string, actions: string, about: (row: TrailRow) => boolean): Told => ({
  what: `${what}: ${actions}`,
  about: (row) => actions.split(' ').includes(row.action) && about(row),
});
const of = (id: unknown) => (row: TrailRow) => row.resource_id === id;
const saying = (key: string, value: unknown) => (row: TrailRow) => row.details[key] === value;
const placedAt = (tenant: unknown, kind: string, shard: unknown): Told => ({
  what: `${text(tenant)} on ${kind} ${text(shard)}`,
  about: (row) => row.resource_id === tenant && shardTold(row, kind) !== undefined,
  holds: (rows) => shardTold(rows.at(-1), kind) === shard,
});

/** Where a row says that its tenant went. */
function shardTold(row: TrailRow | undefined, kind: string): unknown {
  if (row?.action === 'tenant.tenant_created') return (row.details['placement'] as Row)[kind];
  if (row?.action !== 'placement_map.tenant_moved') return undefined;
  return (row.details['moves'] as { kind: string; to: string }[]).find((move) => move.kind === kind)?.to;
}

/** The roles on the whole platform that a row gives its user. */
function rolesTold({ action, details }: TrailRow): string[] | undefined {
  if (action === 'user.user_created') return details['roles'] as string[];
  return action === 'user.user_changed' ? ((details['after'] as Row)['roles'] as string[]) : undefined;
}

/** A project's key is a token, and told of as a key. */
const ofToken = (token: Row) => (row: TrailRow) => [row.details['token_id'], row.details['key_id']].includes(token['token_id']);

/** What people call an org or project once that has happened. */
const displayNameTold = (row: TrailRow | undefined): unknown =>
  ((row?.details['after'] as Row | undefined) ?? row?.details)?.['display_name'];

/** A document as events name it. */
const pathOf = ({ domain, scope, name }: Row): string => [domain, scope, name].map(text).join('/');

const keptAnswers = 'answers of requests, each kept with the change that it answers';

const jobTold = (job: Row): Told[] => [
  told(text(job['job_id']), 'job.job_queued', of(job['job_id'])),
  ...(['succeeded', 'failed', 'cancelled', 'needs_attention'].includes(text(job['status']))
    ? [told(text(job['job_id']), `job.job_${text(job['status'])}`, of(job['job_id']))]
    : []),
];

/** What the rows of each table come to: what tells of each of them, or why nothing has to. */
const tables: Readonly<Record<string, ((row: Row) => Told[]) | string>> = {
  'api_gateway.users': (user) => [
    // A project is told of as such; its row is who its keys act as.
    told(text(user['email']), 'user.user_created project.project_created', of(user['user_id'])),
    {
      what: `${text(user['email'])}, disabled ${text(user['disabled'])}`,
      about: (row) =>
        row.resource_id === user['user_id'] &&
        ['user.user_created', 'user.user_changed', 'project.project_created', 'project.project_deleted'].includes(row.action),
      holds: (rows) => {
        const last = rows.at(-1);
        if (last?.action.startsWith('project.') === true) return (last.action === 'project.project_deleted') === user['disabled'];
        return (
          (last?.action === 'user.user_created' ? false : (last?.details['after'] as Row | undefined)?.['disabled']) === user['disabled']
        );
      },
    },
  ],
  'api_gateway.role': (role) => [
    {
      what: `role ${text(role['name'])} of ${text(role['permissions'])}`,
      about: (row) => row.resource_id === role['name'] && row.action.startsWith('role.'),
      holds: (rows) => {
        const { details = {} } = rows.at(-1) ?? {};
        return text(((details['after'] as Row | undefined) ?? details)['permissions']) === text(role['permissions']);
      },
    },
  ],
  'api_gateway.role_binding': (binding) => [
    {
      what: `${text(binding['role'])} of ${text(binding['principal'])} on ${text(binding['scope'])}`,
      about: (row) =>
        (row.action === 'role_binding.role_binding_created' &&
          ['principal', 'role', 'scope'].every((key) => row.details[key] === binding[key])) ||
        (binding['scope'] === '/' &&
          `user:${row.resource_id}` === binding['principal'] &&
          rolesTold(row)?.includes(text(binding['role'])) === true),
    },
  ],
  'api_gateway.org': (org) => [
    {
      what: `org ${text(org['name'])}, ${text(org['display_name'])}`,
      about: (row) => row.resource_id === org['org_id'] && displayNameTold(row) !== undefined,
      holds: (rows) => displayNameTold(rows.at(-1)) === org['display_name'],
    },
  ],
  'api_gateway.project': (project) => [
    {
      what: `project ${text(project['name'])}, ${text(project['display_name'])}`,
      about: (row) => row.resource_id === project['project_id'] && displayNameTold(row) !== undefined,
      holds: (rows) => displayNameTold(rows.at(-1)) === project['display_name'],
    },
  ],
  'api_gateway.webhook': (webhook) => [told(text(webhook['name']), 'webhook.webhook_created', of(webhook['webhook_id']))],
  'api_gateway.webhook_delivery': 'what is told of the log, made of it and of the webhooks',
  'api_gateway.session': (session) => [
    told(text(session['session_id']), 'user.login_succeeded', saying('session_id', session['session_id'])),
    ...(session['revoked_at'] === null
      ? []
      : [
          told(`end of ${text(session['session_id'])}`, 'user.logged_out user.session_revoked user.sessions_revoked', (row) =>
            row.action === 'user.sessions_revoked' ? of(session['user_id'])(row) : saying('session_id', session['session_id'])(row),
          ),
        ]),
  ],
  'api_gateway.api_token': (token) => [
    told(text(token['name']), 'user.api_token_created project.project_key_created', ofToken(token)),
    ...(token['revoked_at'] === null
      ? []
      : [told(`end of ${text(token['name'])}`, 'user.api_token_revoked project.project_key_revoked', ofToken(token))]),
    ...(token['rotated_at'] === null
      ? []
      : [told(`another secret of ${text(token['name'])}`, 'user.api_token_rotated project.project_key_rotated', ofToken(token))]),
  ],
  'api_gateway.totp': (totp) => [told(`second factor of ${text(totp['user_id'])}`, 'user.totp_enrolled', of(totp['user_id']))],
  'api_gateway.recovery_code': (code) => [
    told(`recovery code of ${text(code['user_id'])}`, 'user.totp_confirmed user.recovery_codes_replaced', of(code['user_id'])),
  ],
  'api_gateway.signing_key': (key) => [
    told(`signing key ${text(key['kid'])}`, 'signing_key.signing_key_published signing_key.signing_key_rotated', saying('kid', key['kid'])),
  ],
  'api_gateway.idempotency_key': keptAnswers,
  'job_orchestrator.idempotency_key': keptAnswers,
  'placement.idempotency_key': keptAnswers,
  'job_orchestrator.plan': (plan) => [told(text(plan['plan_id']), 'plan.plan_created', of(plan['plan_id']))],
  'job_orchestrator.plan_approval': (approval) => [told(text(approval['plan_id']), 'plan.plan_approved', of(approval['plan_id']))],
  'job_orchestrator.job': jobTold,
  'job_orchestrator.archived_job': jobTold,
  'job_orchestrator.step': (step) =>
    ['succeeded', 'undone'].includes(text(step['status']))
      ? [
          told(
            `${text(step['job_id'])} ${text(step['name'])}`,
            step['status'] === 'undone' ? 'job.step_undone' : 'job.step_succeeded',
            (row) => of(step['job_id'])(row) && row.details['step'] === step['name'],
          ),
        ]
      : [],
  'job_orchestrator.attempt': 'runs of a step, which is looked at',
  'job_orchestrator.lock': 'whose turn it is: made of the jobs',
  'job_orchestrator.last_change': 'made of the jobs',
  'job_orchestrator.signal': (signal) => [
    told(
      `signal ${text(signal['name'])}`,
      'job.job_signalled',
      (row) => of(signal['job_id'])(row) && row.details['signal'] === signal['name'],
    ),
  ],
  'job_orchestrator.schedule': (schedule) => [
    told(text(schedule['name']), 'schedule.schedule_created', of(schedule['schedule_id'])),
    ...(schedule['last_job_id'] === null
      ? []
      : [told(`turn of ${text(schedule['name'])}`, 'schedule.schedule_fired', saying('job_id', schedule['last_job_id']))]),
  ],
  'placement.tenant': (tenant) => [told(text(tenant['tenant_id']), 'tenant.tenant_created', of(tenant['tenant_id']))],
  'placement.assignment': (assignment) => [placedAt(assignment['tenant_id'], text(assignment['kind']), assignment['shard_id'])],
  'placement.tenant_balance': (balance) => [
    {
      what: `load ${text(balance['load'])} of ${text(balance['tenant_id'])}`,
      about: (row) => row.resource_id === balance['tenant_id'] && row.action === 'placement_map.tenant_balance_changed',
      holds: (rows) => Number(rows.at(-1)?.details['load']) === Number(balance['load']),
    },
  ],
  'placement.shard': (shard) => [
    {
      what: `${text(shard['kind'])}/${text(shard['shard_id'])} at revision ${text(shard['revision'])}`,
      about: (row) => row.resource_id === `${text(shard['kind'])}/${text(shard['shard_id'])}` && row.action.startsWith('shard.'),
      holds: (rows) =>
        shard['state'] === 'removed'
          ? rows.at(-1)?.action === 'shard.shard_removed'
          : text(rows.at(-1)?.details['labels']) === text(shard['labels']) && rows.at(-1)?.details['state'] === shard['state'],
    },
  ],
  'placement.move': (move) => [
    told(`move ${text(move['idempotency_key'])}`, 'placement_map.tenant_moved', saying('idempotency_key', move['idempotency_key'])),
  ],
  'placement.definition': 'how far the versions count',
  'placement.definition_version': (version) => [
    told(
      `version ${text(version['version'])} of ${text(version['name'])}`,
      'definition.definition_version_added',
      (row) => of(version['name'])(row) && saying('sha256', version['sha256'])(row),
    ),
    ...(version['retired_at'] === null
      ? []
      : [
          told(
            `end of version ${text(version['version'])} of ${text(version['name'])}`,
            'definition.definition_version_retired',
            (row) => of(version['name'])(row) && saying('sha256', version['sha256'])(row),
          ),
        ]),
  ],
  'placement.fence': 'raised by each move',
  'placement.meta': 'raised by each change of tenants and shards',
  'placement.config_revision': (revision) => [
    told(
      `revision ${text(revision['revision'])} of ${pathOf(revision)}`,
      'config.config_staged config.config_applied',
      (row) => of(pathOf(revision))(row) && saying('revision', revision['revision'])(row) && saying('sha256', revision['sha256'])(row),
    ),
  ],
  'placement.config_document': (document) =>
    document['revision'] === 0
      ? []
      : [
          told(
            `${pathOf(document)} at revision ${text(document['revision'])}`,
            'config.config_applied',
            (row) => of(pathOf(document))(row) && saying('revision', document['revision'])(row),
          ),
        ],
  'placement.config_change': (change) => [
    told(`what ${text(change['idempotency_key'])} staged`, 'config.config_staged', saying('idempotency_key', change['idempotency_key'])),
  ],
  'placement.config_content': 'contents by their hash: of revisions, and of plans, which nothing refers to',
  'placement.config_changes': 'raised by each change of configuration',
  'placement.publication': (publication) =>
    Number(publication['epoch']) > 1
      ? [told(`epoch ${text(publication['epoch'])}`, 'placement_map.placement_epoch_raised', saying('epoch', publication['epoch']))]
      : [],
  'provisioner.command': (command) => [
    told(
      `command ${text(command['idempotency_key'])}`,
      'service_command.command_issued',
      (row) =>
        saying('idempotency_key', command['idempotency_key'])(row) &&
        row.details['attempt'] === command['attempt'] &&
        row.job_id === command['job_id'],
    ),
  ],
  'provisioner.fence': 'raised by each command',
  'audit.segment': (segment) => [told(text(segment['file']), 'event_log.trail_sealed', saying('file', segment['file']))],
  'audit.sealing': 'how far the segments go',
};

/** Reads all effects that there are. What the lists above do not know is an effect that no row tells of. */
export async function readAllEffects(stack: Stack, admin: Database, messaging: Messaging): Promise<Effect[]> {
  return [...(await inTables(admin)), ...(await inBuckets(admin, messaging)), ...(await atTheFleet(stack))];
}

async function inTables(admin: Database): Promise<Effect[]> {
  const effects: Effect[] = [];
  for (const table of ['api_gateway.session', ...(await tablesOf(admin))]) {
    const rule = tables[table];
    const rows = (await admin.query<{ row: Row }>(`select to_jsonb(t) as row from ${table} t`)).map(({ row }) => row);
    if (rule === undefined && rows.length > 0 && !table.endsWith('.migration')) effects.push(unknownTo(table));
    if (typeof rule === 'function') effects.push(...rows.flatMap(rule).map((effect) => ({ source: table, ...effect })));
  }
  return effects;
}

async function inBuckets(admin: Database, messaging: Messaging): Promise<Effect[]> {
  const { buckets } = messaging.topology;
  const known = {
    [`KV_${buckets.placement.name}`]: async () => published(await snapshotIn(admin, messaging)),
    [`KV_${buckets.config.name}`]: () => configIn(messaging),
  };
  const effects: Effect[] = [];
  for (const [source, read] of Object.entries(known)) effects.push(...(await read()).map((effect) => ({ source, ...effect })));
  const manager = await messaging.manager();
  for await (const { config } of manager.streams.list())
    if (config.name.startsWith('KV_') && !(config.name in known)) effects.push(unknownTo(config.name));
  return effects;
}

/** What is published once all that was decided is. */
async function snapshotIn(admin: Database, messaging: Messaging): Promise<PlacementSnapshot> {
  const [decided] = await admin.query<{ epoch: number; revision: number }>('select epoch, revision from placement.meta');
  const watch = watchPlacement({ messaging, logger: createLogger({ service: 'test', level: 'silent' }) });
  try {
    return await eventually(
      () => {
        const now = watch.current();
        return now?.epoch === decided?.epoch && now?.revision === decided?.revision ? now : undefined;
      },
      { what: 'the placement to be published', timeoutMs: 30_000 },
    );
  } finally {
    await watch.stop();
  }
}

/** What is in force of each document, or tried. */
async function configIn(messaging: Messaging): Promise<Told[]> {
  const { direct, streams } = await messaging.manager();
  const stream = `KV_${messaging.topology.buckets.config.name}`;
  const { state } = await streams.info(stream, { subjects_filter: '>' });
  const effects: Told[] = [];
  for (const subject of Object.keys(state.subjects ?? {})) {
    const value = (await direct.getMessage(stream, { last_by_subj: subject }))?.json<{ revision: number; sha256: string }>();
    const [stage = '', ...path] = subject.split('.').slice(2);
    if (value === undefined || value.sha256 === '') continue;
    effects.push(
      told(
        `${stage} ${path.join('/')}, revision ${text(value.revision)}`,
        `config.config_${stage === 'effective' ? 'applied' : 'staged'}`,
        (row) => [of(path.join('/')), saying('revision', value.revision), saying('sha256', value.sha256)].every((holds) => holds(row)),
      ),
    );
  }
  return effects;
}

function published(snapshot: PlacementSnapshot): Told[] {
  const assignments = (['aggregate', 'projection', 'runner'] as const).flatMap((kind) =>
    [...snapshot.assignments(kind)].map(([tenant, shard]) => placedAt(tenant, kind, shard)),
  );
  const shards = snapshot.shards.map(({ kind, shardId }) => told(`${kind}/${shardId}`, 'shard.shard_created', of(`${kind}/${shardId}`)));
  return [...assignments, ...shards];
}

/** A command stands in the trail with its key, its tenant and its job, before it is one of several under that key. */
async function atTheFleet(stack: Stack): Promise<Effect[]> {
  return (await effectsOf(stack)).map(({ shard, tenant_id: tenant, op, key }) => ({
    source: 'ledgers',
    what: `${op} of ${tenant} at ${shard} under ${key}`,
    about: (row) =>
      row.action === 'service_command.command_issued' &&
      key.startsWith(text(row.details['idempotency_key'])) &&
      row.tenant_id === tenant &&
      row.job_id === key.split(':')[0],
  }));
}

const unknownTo = (source: string): Effect => ({
  source,
  what: 'is not known: say in tests/e2e/support/effects.ts what tells of it',
  about: () => false,
});

/** The effects that the trail does not tell of. */
export function untold(effects: readonly Effect[], trail: readonly TrailRow[]): string[] {
  return effects
    .filter((effect) => {
      const rows = trail.filter((row) => effect.about(row));
      return rows.length === 0 || effect.holds?.(rows) === false;
    })
    .map(nameOf);
}

/** How an effect is named to people. */
export const nameOf = ({ source, what }: Effect): string => `${source}: ${what}`;
