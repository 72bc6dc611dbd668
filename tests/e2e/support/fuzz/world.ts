/** What a fuzzer knows of the stack that it sends requests to: who may ask, and what there is to ask about. */
import type { Json, Operation } from './document.js';
import type { Known } from './values.js';

/** How many of a sort are remembered, the newest. */
const most = 40;

export class World {
  private readonly pools = new Map<string, unknown[]>();
  /** Of the user whose sessions, tokens and password come and go. */
  password = '';

  /** Things of a sort, the newest last. */
  of(sort: string): readonly unknown[] {
    return this.pools.get(sort) ?? [];
  }

  know(sort: string, ...things: readonly unknown[]): void {
    const fresh: unknown[] = things.filter((thing) => thing !== undefined && thing !== null);
    const kept = this.of(sort).filter((thing) => !fresh.includes(thing));
    this.pools.set(sort, [...kept, ...fresh].slice(-most));
  }

  forget(sort: string, thing: unknown): void {
    this.pools.set(
      sort,
      this.of(sort).filter((one) => one !== thing),
    );
  }

  /** What the fields of an operation's request may be. */
  knownTo({ id }: Operation): Known {
    return (name) => {
      const sort = sortOf(id, name);
      if (sort === 'none') return 'left out';
      return sort === undefined ? undefined : () => this.of(sort);
    };
  }

  /** Learns from what an operation answered. */
  learn({ id }: Operation, body: unknown): void {
    const group = id.split('.')[0] ?? '';
    const things = isJson(body) && Array.isArray(body['items']) ? (body['items'] as Json[]) : isJson(body) ? [body] : [];
    for (const thing of things) {
      const ids = {
        jobs: 'job_id',
        plans: 'plan_id',
        tenants: 'tenant_id',
        schedules: 'schedule_id',
        apiTokens: 'token_id',
        webhooks: 'webhook_id',
      } as Record<string, string>;
      const field = ids[group];
      if (field !== undefined && id !== 'tenants.listAudit')
        this.know(group === 'tenants' && 'job_id' in thing ? 'jobs' : group, thing[field] ?? thing['job_id']);
      if (group === 'plans' || id.startsWith('drains.plan')) this.know(`digest of ${String(thing['kind'])}`, thing['digest']);
      if (id === 'jobs.list') for (const key of ['correlation_id', 'request_id', 'trace_id']) this.know(key, thing[key]);
      if (group === 'definitions') this.know('definition hashes', thing['sha256']);
      if (id === 'deadLetters.list') this.know('letters', thing['sequence']);
      if (id === 'sessions.list' && thing['current'] === false) this.know('sessions', thing['session_id']);
      if (group === 'webhookDeliveries' || group === 'webhooks') this.know('deliveries', thing['delivery_id']);
      if (id === 'users.create') {
        this.know('users', thing['user_id']);
        this.know('principals', `user:${String(thing['user_id'])}`);
      }
      if (id === 'serviceAccounts.create') {
        this.know('service accounts', thing['service_account_id']);
        this.know('principals', thing['principal']);
      }
      if (id === 'serviceAccounts.createToken') this.know('tokens of service accounts', thing['token_id']);
      // Not from lists: the fuzzer's own are among them.
      if (id === 'roleBindings.create') this.know('roleBindings', thing['binding_id']);
      if (id === 'roles.create') this.know('custom roles', thing['name']);
      if (id === 'projectKeys.create') this.know('keys', thing['key_id']);
      if (id === 'orgs.create') this.know('orgs', thing['name']);
      if (id === 'projects.create') this.know('projects', thing['name']);
      if (id === 'orgs.create' || id === 'projects.create') this.know('scopes', thing['scope']);
      if (group === 'logEvents') this.know('positions', thing['position']);
    }
    if (id === 'fleet.snapshot' && isJson(body) && Array.isArray(body['endpoints']))
      for (const { kind, shard_id, endpoint_id } of body['endpoints'] as Json[])
        this.know('endpoints', [kind, shard_id, endpoint_id].map(String).join('.'));
    if (isJson(body) && typeof body['next_cursor'] === 'string') this.know(`cursors of ${id}`, body['next_cursor']);
  }
}

/** Which sort of thing a field names; undefined for one that is made by its schema. */
function sortOf(operation: string, name: string): string | undefined {
  const [group = ''] = operation.split('.');
  const here = byOperation[`${operation} ${name}`] ?? byGroup[`${group} ${name}`];
  if (here !== undefined) return here;
  if (name === 'cursor') return `cursors of ${operation}`;
  return byName[name];
}

const byName: Readonly<Record<string, string>> = {
  tenant: 'tenants',
  tenant_id: 'tenants',
  to: 'targets',
  parent: 'jobs',
  job_id: 'jobs',
  correlation_id: 'correlation_id',
  request_id: 'request_id',
  trace_id: 'trace_id',
  user_id: 'users',
  wait_for: 'positions',
  wait_seconds: 'seconds',
  max_age_ms: 'ages',
};

const byGroup: Readonly<Record<string, string>> = {
  'tenants id': 'tenants',
  'jobs id': 'jobs',
  'jobEvents id': 'jobs',
  'placement id': 'tenants',
  'fleetHistory id': 'endpoints',
  'fleetEvents cursor': 'none',
  'plans id': 'plans',
  'users id': 'users',
  'schedules id': 'schedules',
  'sessions id': 'sessions',
  'serviceAccounts id': 'service accounts',
  'serviceAccounts token': 'tokens of service accounts',
  'roleBindings id': 'roleBindings',
  'roles name': 'custom roles',
  'orgs org': 'orgs',
  'projects org': 'orgs',
  'projects project': 'projects',
  'projectKeys org': 'orgs',
  'projectKeys project': 'projects',
  'projectKeys key': 'keys',
  'projectKeys role': 'roles',
  'access principal': 'principals',
  'access scope': 'scopes',
  'roleBindings principal': 'principals',
  'roleBindings role': 'roles',
  'roleBindings scope': 'scopes',
  'apiTokens role': 'roles',
  'serviceAccounts role': 'roles',
  'apiTokens id': 'apiTokens',
  'deadLetters sequence': 'letters',
  'webhooks id': 'webhooks',
  'webhookDeliveries id': 'webhooks',
  'webhookDeliveries delivery': 'deliveries',
  'logEvents position': 'positions',
  'logEvents from': 'positions',
  'logEvents to': 'none',
  'oidc issuer': 'issuers',
  'projections name': 'projections',
  'config revision': 'config revisions',
  'config from': 'config revisions',
  'config to': 'config revisions',
  'definitions name': 'definitions',
  'definitions version': 'definition versions',
  'definitions from': 'definition versions',
  'definitions to': 'definition versions',
  'definitionContents sha256': 'definition hashes',
  'data schema': 'schemas',
  'data table': 'tables',
  'data columns': 'columns',
  'data filter': 'filters',
  'data order': 'orders',
};

const byOperation: Readonly<Record<string, string>> = {
  'tenants.create tenant_id': 'new tenants',
  'tenants.list kind': 'none',
  'tenants.list shard_id': 'none',
  'shards.put shard_id': 'spare shards',
  'placement.rebalance kind': 'placed kinds',
  'placement.rebalance shard': 'placed shards',
  'placement.rebalance to': 'other shards',
  'placement.rebalance unhealthy': 'other shards',
  'placement.whatIf kind': 'placed kinds',
  'placement.whatIf shard': 'placed shards',
  'placement.whatIf unhealthy': 'other shards',
  'plans.migrate kinds': 'none',
  'plans.migrateMany kinds': 'none',
  'plans.decommission kind': 'placed kinds',
  'plans.decommission shard': 'placed shards',
  'plans.decommission to': 'other shards',
  'drains.planDrainShard kind': 'placed kinds',
  'drains.planDrainShard shard': 'placed shards',
  'drains.planResumeShard kind': 'placed kinds',
  'drains.planResumeShard shard': 'placed shards',
  'plans.rebalance kind': 'placed kinds',
  'plans.rebalance shard': 'placed shards',
  'plans.rebalance to': 'other shards',
  'plans.configApply domain': 'config domains',
  'plans.configApply name': 'none',
  'plans.configApply scope': 'none',
  'plans.configApply text': 'none',
  'plans.configApply content': 'config contents',
  'plans.configApply expected_revision': 'none',
  'plans.configRollback domain': 'config domains',
  'plans.configRollback name': 'none',
  'plans.configRollback scope': 'none',
  'plans.configRollback revision': 'config revisions',
  'plans.configRollback expected_revision': 'none',
  'plans.reload kind': 'reload kind',
  'plans.reload shard': 'reload shard',
  'jobs.migrate plan_digest': 'digest of tenant-migrate',
  'jobs.migrateMany plan_digest': 'digest of tenants-migrate',
  'jobs.rebalance plan_digest': 'digest of rebalance',
  'jobs.decommission plan_digest': 'digest of shard-decommission',
  'drains.planDrainNode node': 'nodes',
  'drains.planResumeNode node': 'nodes',
  'drains.drainNode plan_digest': 'digest of node-drain',
  'drains.resumeNode plan_digest': 'digest of node-resume',
  'drains.drainShard plan_digest': 'digest of shard-drain',
  'drains.resumeShard plan_digest': 'digest of shard-resume',
  'jobs.drain plan_digest': 'digest of tenant-drain',
  'jobs.resume plan_digest': 'digest of tenant-resume',
  'jobs.configApply plan_digest': 'digest of config-apply',
  'jobs.configRollback plan_digest': 'digest of config-rollback',
  'jobs.reload plan_digest': 'digest of reload',
  'logAggregates.get type': 'tenant',
  'logAggregates.get id': 'tenants',
  'logVerify.verify from': 'none',
  'logVerify.verify to': 'none',
  'auth.login email': 'email',
  'auth.login code': 'none',
  'auth.password new_password': 'new passwords',
  'users.create password': 'new passwords',
  'totp.enrol current_password': 'password',
  'auditVerify.verify cursor': 'none',
  'auditExport.get from': 'positions',
  'auditExport.get to': 'none',
  'auth.login password': 'password',
  'auth.password current_password': 'password',
  'schedules.create kind': 'schedule kinds',
  'schedules.create params': 'schedule params',
  'schedules.create cron': 'crons',
  'schedules.create time_zone': 'zones',
  'schedules.create name': 'new names',
  'roles.create name': 'new names',
  'serviceAccounts.create name': 'new names',
  'orgs.create name': 'new names',
  'projects.create name': 'new names',
  'definitions.put text': 'definition texts',
  'definitions.put format': 'none',
  'definitions.validate text': 'definition texts',
  'webhooks.create name': 'new names',
  'webhooks.create url': 'hook urls',
  'webhooks.change url': 'hook urls',
  'webhooks.create types': 'hook types',
  'webhooks.change types': 'hook types',
  'webhooks.change name': 'none',
  'changes.get cursor': 'cursors of changes.get',
  'changes.get types': 'none',
};

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
