/** What became of one aggregate so far. */
export interface AggregateSummary {
  readonly aggregateType: string;
  readonly aggregateId: string;
  /** Of its last event: how many events it has. */
  readonly version: number;
  readonly firstPosition: number;
  readonly firstTime: Date;
  readonly lastPosition: number;
  readonly lastTime: Date;
  /** How many events it has of each type. */
  readonly eventCounts: Readonly<Record<string, number>>;
  readonly lastType: string;
  readonly lastPrincipal: string;
  /** The tenant whose business its events are, by the catalogue and the last one that says so. */
  readonly tenantId: string | null;
}

/** What reads use, and the shape of its epochs' tables. */
export const tables = { aggregate_summary: 'aggregate_summary_v1' } as const;
