import { pillarQueries, type PillarQuery } from '../domain/pillars.js';
import { mapBounded } from './bounded.js';
import type { MetricsSource } from './victoria-metrics.js';

export interface MeasuredPillar extends PillarQuery {
  /** Undefined when nothing was measured, or that could not be asked. */
  readonly value: number | undefined;
}

export interface ClusterStats {
  /** The moment that was asked of. */
  readonly at: Date;
  /** All could be asked. */
  readonly available: boolean;
  /** Why something could not be asked; empty when all was. */
  readonly problem: string;
  readonly pillars: readonly MeasuredPillar[];
}

const atOnce = 8;

export interface StatsOptions {
  /** The moment that is asked of is so long ago. */
  readonly settleMs: number;
  /** How long all questions together may take. */
  readonly timeoutMs: number;
}

/**
 * Asks all pillars as of one moment. Never throws, and makes no value up: after the first question that could not be asked no more are
 * begun, and those that were not answered are unknown.
 */
export async function clusterStats(
  source: MetricsSource,
  { settleMs, timeoutMs }: StatsOptions,
  nowMs = Date.now(),
): Promise<ClusterStats> {
  // Whole seconds, so that the moment can be told and asked of again as it is.
  const atSeconds = Math.floor((nowMs - settleMs) / 1_000);
  const deadline = performance.now() + timeoutMs;
  const problems: string[] = [];
  const ask = async (query: PillarQuery): Promise<MeasuredPillar> => {
    if (problems.length > 0) return { ...query, value: undefined };
    try {
      const leftMs = Math.ceil(deadline - performance.now());
      if (leftMs <= 0) throw new Error('it did not answer in time');
      return { ...query, value: await source.number(query.query, atSeconds, leftMs) };
    } catch (error) {
      problems.push(error instanceof Error ? error.message : 'it failed');
      return { ...query, value: undefined };
    }
  };
  const pillars = await mapBounded(pillarQueries, atOnce, ask);
  return { at: new Date(atSeconds * 1_000), available: problems.length === 0, problem: problems[0] ?? '', pillars };
}
