import { eventCatalogue, type EventCatalogue, type ProductEvents } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { boundedSql, pageBytes } from './bounded.js';
import { decodeEvent, type DecodedEvent } from './catalogue.js';
import { eventOfRow, type EventRow } from './read.js';

export interface NewestOptions<Aggregate extends string, Type extends string> {
  readonly aggregateType: Aggregate;
  readonly aggregateId: string;
  readonly types: readonly Type[];
  /** Events before this version of the aggregate; all when left out. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/**
 * Reads an aggregate's committed events of some types, the newest first, in the version of now; of large ones fewer than `limit`. None
 * means that there are no more. Throws UnreadableEvent.
 */
export async function readNewest<
  Aggregate extends keyof Catalogue & string,
  Type extends keyof Catalogue[Aggregate]['types'] & string,
  Catalogue extends EventCatalogue = ProductEvents,
>(
  sql: Sql,
  { aggregateType, aggregateId, types, before, limit }: NewestOptions<Aggregate, Type>,
  catalogue = eventCatalogue as unknown as Catalogue,
): Promise<Extract<DecodedEvent<Catalogue>, { aggregateType: Aggregate; type: Type }>[]> {
  // By version: the index that each partition has of its aggregates gives that order.
  const rows = await sql.query<EventRow>(
    `${boundedSql('aggregate_type = $1 and aggregate_id = $2 and type = any ($3::text[]) and version < $4', '$5', pageBytes, 'version desc')}
     order by version desc`,
    [aggregateType, aggregateId, types, before ?? Number.MAX_SAFE_INTEGER, limit],
  );
  return rows.map(
    (row) => decodeEvent(eventOfRow(row), catalogue) as Extract<DecodedEvent<Catalogue>, { aggregateType: Aggregate; type: Type }>,
  );
}
