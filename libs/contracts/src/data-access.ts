/**
 * Which columns of the control database the data browser may read. `npm run db:migrate` gives the reader's role the readable ones and no
 * more: what is not named here, as a column that is new, stays closed.
 */

/** A table's columns: those that may be read, and those that are shown as masked. */
export interface TableAccess {
  readonly readable: readonly string[];
  /** Secrets, what is made of them (hashes, sealed values), and what may hold one, such as a receiver's URL. */
  readonly masked?: readonly string[];
}

const migrations: TableAccess = { readable: ['id', 'timestamp', 'name'] };
const idempotencyKeys: TableAccess = { readable: [], masked: ['scope', 'key_hash', 'request_hash', 'answer', 'created_at'] };

/** By `schema.table`. A table's primary key is readable, or nothing of it is. */
export const dataAccess: Readonly<Record<string, TableAccess>> = {
  'api_gateway.api_token': {
    readable: columns(
      'token_id user_id name roles permissions created_at expires_at last_used_at revoked_at scope rotated_at previous_until',
    ),
    masked: ['secret_hash', 'previous_secret_hash'],
  },
  'api_gateway.external_identity': { readable: columns('issuer subject user_id created_at roles_as_of') },
  'api_gateway.idempotency_key': idempotencyKeys,
  'api_gateway.migration': migrations,
  'api_gateway.org': { readable: columns('org_id name display_name revision created_at updated_at') },
  'api_gateway.project': { readable: columns('project_id org_id name display_name revision created_at updated_at') },
  'api_gateway.recovery_code': { readable: [], masked: ['user_id', 'code_hash'] },
  'api_gateway.role': { readable: columns('name description permissions revision created_at updated_at') },
  'api_gateway.role_binding': { readable: columns('binding_id principal role scope created_by created_at') },
  'api_gateway.session': {
    readable: columns('session_id user_id created_at last_used_at expires_at idle_limit address user_agent revoked_at refusal_recorded_at'),
    masked: ['secret_hash'],
  },
  'api_gateway.signing_key': { readable: columns('kid published_at signs_from trusted_until'), masked: ['sealed_jwk'] },
  'api_gateway.totp': { readable: columns('user_id enrolled_at confirmed_at last_step'), masked: ['sealed_secret'] },
  'api_gateway.users': {
    readable: columns('user_id email password_is_initial disabled created_at updated_at revision service_account deleted_at principal'),
    masked: ['password_hash'],
  },
  'api_gateway.webhook': {
    readable: columns(
      'webhook_id user_id name types grants previous_until enabled disabled_cause position failing_since revision created_at updated_at',
    ),
    masked: ['url', 'sealed_secret', 'previous_sealed_secret'],
  },
  'api_gateway.webhook_delivery': {
    readable: columns(
      'delivery_id webhook_id message_id position event_type status attempts next_at created_at last_attempt_at status_code duration_ms',
    ),
    // What a receiver or the way to it said may name its URL.
    masked: ['error'],
  },
  'audit.anchor': { readable: columns('id digest from_position position incarnation time jws posted') },
  'audit.chain': { readable: columns('position hash leaf') },
  'audit.chain_head': { readable: columns('singleton position hash') },
  'audit.migration': migrations,
  'audit.sealing': { readable: columns('singleton sealed_until dropped_until asked_before asked_correlation trouble trouble_since') },
  'audit.segment': {
    readable: columns('from_position to_position first_time last_time file bytes sha256 prior hash manifest sealed_at'),
  },
  'fleet_observer.endpoint_health': { readable: columns('endpoint_key taken_at health stability told') },
  'fleet_observer.endpoint_history': { readable: columns('sequence endpoint_key at what was is_now problem') },
  'fleet_observer.migration': migrations,
  'fleet_observer.round': { readable: columns('singleton taken_at placement_version') },
  'job_orchestrator.archived_job': {
    readable: columns('job_id seq kind status tenant_id correlation_id parent_id scope payload_hash finished_at steps'),
    // The whole row that the job had, its key with it.
    masked: ['idempotency_key', 'job'],
  },
  'job_orchestrator.idempotency_key': idempotencyKeys,
  'job_orchestrator.job': {
    readable: columns(
      `job_id seq kind version status params plan_id plan_digest reason principal scope payload_hash locks tenant_id direction cursor failure
      owner fence wake_at deadline cancel_requested_at cancelled_by error request_id correlation_id traceparent created_at started_at
      finished_at blocked waits_for note pause_requested_at paused_at paused_by parent_id overdue_at`,
    ),
    // A caller's own: with it they get their answer once more.
    masked: ['idempotency_key'],
  },
  'job_orchestrator.last_change': { readable: columns('resource seq job_id') },
  'job_orchestrator.lock': { readable: columns('resource seq job_id asked_at') },
  'job_orchestrator.loop': { readable: columns('kind key next_at interval_ms due_at fence failures state') },
  'job_orchestrator.migration': migrations,
  'job_orchestrator.plan': {
    readable: columns(
      'plan_id kind version digest canonical body reason created_by created_at expires_at request_id correlation_id trace_id payload_hash',
    ),
    masked: ['idempotency_key'],
  },
  'job_orchestrator.plan_approval': { readable: columns('plan_id approved_by reason approved_at') },
  'job_orchestrator.replica': { readable: columns('replica_id host pid kinds started_at heartbeat_at lease_until') },
  'job_orchestrator.schedule': {
    readable: columns(
      'schedule_id name kind params cron time_zone missed principal reason next_at paused_at last_at last_job_id last_error created_at',
    ),
  },
  'job_orchestrator.signal': { readable: columns('job_id name payload sent_by sent_at') },
  'job_orchestrator.step': {
    readable: columns(
      `job_id index name status attempts undo_attempts failures undo_failures output error started_at clock_at undo_clock_at finished_at
      fence owner`,
    ),
  },
  'log.aggregate_owner': { readable: columns('aggregate_type role') },
  'log.chained': { readable: columns('singleton position') },
  // Callers' keys may be command ids.
  'log.command': { readable: [], masked: columns('role command_id first_position last_position recorded_at') },
  'log.event': { readable: columns('position aggregate_type aggregate_id version type schema_version payload meta recorded_at') },
  'log.head': { readable: columns('singleton position recorded_at incarnation partition_size partitioned_until') },
  'log.incarnation': { readable: columns('incarnation began_after began_at') },
  'log.projection_control': { readable: columns('name role paused last_epoch rebuild_requested_at updated_at') },
  'log.projection_epoch': {
    readable: columns('name epoch version parts serving retired tables started_at level_at untold_previous swapped_position'),
  },
  'log.projection_part': {
    readable: columns('name epoch part position stopped_position stopped_reason stopped_at retry_at skip_position updated_at'),
  },
  'log.stream': { readable: columns('aggregate_type aggregate_id version position') },
  'placement.assignment': { readable: columns('tenant_id kind shard_id revision') },
  'placement.config_change': { readable: columns('idempotency_key request_digest revision changed_at') },
  'placement.config_changes': { readable: columns('singleton count') },
  'placement.config_content': {
    readable: columns('sha256 created_at'),
    // What tenants are given: whoever may read it has routes of their own.
    masked: ['content'],
  },
  'placement.config_document': {
    readable: columns('domain scope name revision newest candidate_revision candidate_gateways highest_fence changed'),
  },
  'placement.config_revision': {
    readable: columns('domain scope name revision sha256 source updated_at updated_by reason effective_at'),
  },
  'placement.definition': { readable: columns('name kind newest') },
  'placement.definition_version': {
    readable: columns('name version sha256 description created_at created_by reason retired_at retired_by retired_reason'),
    // What runners do: whoever may read it has routes of their own.
    masked: ['content'],
  },
  'placement.fence': { readable: columns('tenant_id highest') },
  'placement.idempotency_key': idempotencyKeys,
  'placement.meta': { readable: columns('singleton revision epoch') },
  'placement.migration': migrations,
  'placement.move': { readable: columns('idempotency_key tenant_id request_digest revision epoch log_before moved_at') },
  'placement.publication': { readable: columns('singleton epoch revision bucket_created bucket_sequence') },
  'placement.shard': { readable: columns('kind shard_id endpoints weight labels state max_load tenants revision') },
  'placement.tenant': { readable: columns('tenant_id name requested revision created_at') },
  'placement.tenant_balance': { readable: columns('tenant_id load pinned anti_affinity revision') },
  'provisioner.command': {
    readable: columns(
      'idempotency_key request_hash operation resource fence attempt status reason job_id step error issued_at asked_at finished_at',
    ),
    // What is sent to the outside, and what comes back from there.
    masked: ['request', 'response'],
  },
  'provisioner.fence': { readable: columns('resource highest raised_at') },
  'provisioner.migration': migrations,
};

/**
 * Tables of a projection's epochs and their shapes, such as `record_e1` and `record_v1`: they come and go, are made from the log, and are
 * closed to the browser.
 */
export const epochTables = '_[ev][0-9]+$';

function columns(names: string): readonly string[] {
  return names.split(/\s+/);
}
