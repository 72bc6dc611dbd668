import { defineProjection, type StoredEvent } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { fold, keyOf } from './evolve.js';
import { columns } from './query.js';
import { tables, type AggregateSummary } from './type.js';

/** One row an aggregate, for the inspector. It reads events as they are stored: what stops others is looked for here. */
export const aggregateSummary = defineProjection({
  name: 'aggregate_summary',
  // 2: the tenant is what the catalogue says.
  version: 2,
  partitions: 4,
  tables,
  reads: 'raw',
  async apply(tx, events, { aggregate_summary: table }) {
    await store(tx, table, [...fold(await load(tx, table, events), events).values()]);
  },
});

async function load(tx: Sql, table: string, events: readonly StoredEvent[]): Promise<Map<string, AggregateSummary>> {
  const first = new Map(events.map((event) => [keyOf(event), event]));
  const aggregates = [...first.values()];
  const rows = await tx.query<AggregateSummary>(
    `select ${columns} from ${table} join unnest($1::text[], $2::text[]) wanted(aggregate_type, aggregate_id) using (aggregate_type, aggregate_id)`,
    [aggregates.map((event) => event.aggregateType), aggregates.map((event) => event.aggregateId)],
  );
  return new Map(rows.map((row) => [keyOf(row), row]));
}

async function store(tx: Sql, table: string, summaries: readonly AggregateSummary[]): Promise<void> {
  const rows = summaries.map((summary) => ({
    aggregate_type: summary.aggregateType,
    aggregate_id: summary.aggregateId,
    version: summary.version,
    first_position: summary.firstPosition,
    first_time: summary.firstTime,
    last_position: summary.lastPosition,
    last_time: summary.lastTime,
    event_counts: summary.eventCounts,
    last_type: summary.lastType,
    last_principal: summary.lastPrincipal,
    tenant_id: summary.tenantId,
  }));
  await tx.query(
    `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)
     on conflict (aggregate_type, aggregate_id) do update set version = excluded.version, last_position = excluded.last_position,
       last_time = excluded.last_time, event_counts = excluded.event_counts, last_type = excluded.last_type,
       last_principal = excluded.last_principal, tenant_id = excluded.tenant_id`,
    [JSON.stringify(rows)],
  );
}
