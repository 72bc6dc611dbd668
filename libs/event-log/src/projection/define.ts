import { eventCatalogue, type EventCatalogue, type ProductEvents } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import { decodeEvent, type DecodedEvent } from '../catalogue.js';
import { projectionNames } from '../sql/projections.js';
import type { StoredEvent } from '../types.js';

/** What a projection is, whichever events it reads. */
interface Described<Table extends string> {
  /** Of the checkpoint; never used for another projection. */
  readonly name: string;
  /** One more whenever what it keeps of an event changes, or the shape of a table: workers then rebuild it by themselves. */
  readonly version: number;
  /** Over how many parts aggregates are spread, so that several workers share them; 1 unless said otherwise, 64 at most. */
  readonly partitions?: number;
  /**
   * The shape of each table, such as `{ record: 'record_v1' }`: an empty table that a migration makes, copied for each
   * epoch. Reads use the key as name, a view of the epoch that serves.
   */
  readonly tables: Readonly<Record<Table, string>>;
}

/**
 * Applies events, at least one, in position order, each exactly once, in the transaction that moves the checkpoint.
 * `tables` are the names of the epoch's own tables. With several parts a call has the events of some of them, all those of
 * an aggregate in one.
 */
type Apply<Table extends string, Event> = (tx: Sql, events: readonly Event[], tables: Readonly<Record<Table, string>>) => Promise<void>;

/** Takes every event as it is stored, whatever it holds. */
export interface RawProjection<Table extends string> extends Described<Table> {
  readonly reads: 'raw';
  readonly apply: Apply<Table, StoredEvent>;
}

/** Takes the events of some aggregate types, decoded by a catalogue: one of unknown type or version stops it. All others it passes over. */
export interface TypedProjection<
  Table extends string,
  Catalogue extends EventCatalogue,
  Aggregate extends string,
> extends Described<Table> {
  readonly reads: readonly Aggregate[];
  /** The product's unless said otherwise. */
  readonly catalogue?: Catalogue;
  readonly apply: Apply<Table, Extract<DecodedEvent<Catalogue>, { aggregateType: Aggregate }>>;
}

/** A projection as its workers know it. */
export interface ProjectionDefinition<Table extends string = string> extends Required<Described<Table>> {
  /** Those whose events are read; undefined: all. */
  readonly aggregateTypes: readonly string[] | undefined;
  apply(tx: Sql, events: readonly StoredEvent[], tables: Readonly<Record<Table, string>>): Promise<void>;
}

const namePattern = new RegExp(projectionNames);
const mostPartitions = 64;

/** Defines a projection; throws when names or numbers are not such as its tables can have. */
export function defineProjection<Table extends string>(definition: RawProjection<Table>): ProjectionDefinition<Table>;
export function defineProjection<
  Table extends string,
  Aggregate extends keyof Catalogue & string,
  Catalogue extends EventCatalogue = ProductEvents,
>(definition: TypedProjection<Table, Catalogue, Aggregate>): ProjectionDefinition<Table>;
export function defineProjection<Table extends string>(
  definition: RawProjection<Table> | TypedProjection<Table, EventCatalogue, string>,
): ProjectionDefinition<Table> {
  const { name, version, partitions = 1, tables, reads } = definition;
  requireSound({ name, version, partitions, tables });
  const described = { name, version, partitions, tables };
  if (reads === 'raw') return { ...described, aggregateTypes: undefined, apply: definition.apply };
  const { apply, catalogue = eventCatalogue } = definition;
  return {
    ...described,
    aggregateTypes: reads,
    apply: (tx, events, names) => {
      const decoded = events.map((event) => decodeEvent(event, catalogue));
      return apply(tx, decoded, names);
    },
  };
}

function requireSound({ name, version, partitions, tables }: Required<Described<string>>): void {
  const names = [name, ...Object.keys(tables), ...Object.values(tables)];
  const wrong = names.find((text) => !namePattern.test(text));
  if (wrong !== undefined) throw new Error(`projection ${name}: ${wrong} is not a name of small letters, digits and _`);
  if (names.length === 1) throw new Error(`projection ${name} has no table`);
  if (!Number.isInteger(version) || version < 1) throw new Error(`projection ${name}: versions are 1, 2, 3 …`);
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > mostPartitions)
    throw new Error(`projection ${name} has 1 to ${mostPartitions} partitions`);
}

/** The names of an epoch's tables. */
export function tablesOf<Table extends string>({ tables }: ProjectionDefinition<Table>, epoch: number): Record<Table, string> {
  return Object.fromEntries(Object.keys(tables).map((table) => [table, `${table}_e${epoch}`])) as Record<Table, string>;
}
