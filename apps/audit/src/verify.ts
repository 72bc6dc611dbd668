import {
  compareWithStream,
  headPosition,
  readEventsAt,
  readPage,
  type StoredEvent,
  type StreamComparison,
  type StreamFault,
} from '@fairlead/event-log';
import type { Messaging } from '@fairlead/messaging';
import type { Sql } from '@fairlead/postgres';
import { beginRange, checkAggregate, checkEvents, checkTotals, finding, type Finding, type Progress } from './domain/verify.js';
import { readSurroundings, readTotals } from './store/verification.js';

export interface VerifyDeps {
  readonly sql: Sql;
  readonly messaging: Messaging;
  /** Throws when this release can not read the event. */
  readonly decode: (event: StoredEvent) => void;
}

export interface Verified {
  /** The range that was checked, inclusive; `to` is below `from` when there was nothing to check. */
  readonly from: number;
  readonly to: number;
  readonly head: number;
  /** Where to go on; undefined when all that was asked for is checked. */
  readonly next: number | undefined;
  readonly findings: readonly Finding[];
  readonly streamCompared: number;
  readonly streamProblem: string;
}

/** What one call checks at most: it ends early after some time or many findings. */
const limits = { positions: 20_000, timeMs: 5_000, findings: 200 };
const pageSize = 500;

/**
 * Checks a range of the log, as much of it as one call may: see domain/verify.ts for what must hold. The range's end
 * being the head, the log's totals are checked too. `to` of 0 is the head.
 */
export async function verifyRange(deps: VerifyDeps, range: { from: number; to: number }): Promise<Verified> {
  const { sql } = deps;
  const head = await headPosition(sql);
  const from = Math.max(1, range.from);
  const end = range.to === 0 ? head : Math.min(range.to, head);
  const most = Math.min(end, from + limits.positions - 1);
  const reader = await compareWithStream(deps, { from, to: most });
  try {
    const [before] = await readEventsAt(sql, [from - 1]);
    const progress = beginRange(from - 1, before);
    const found = reader.faults.map(ofStream);
    const streamProblem = await checkPages(deps, { progress, found, most, reader });
    const aggregates = [...progress.met.values()];
    const surroundings = await readSurroundings(sql, aggregates);
    found.push(...aggregates.flatMap((met, index) => checkSurroundings(met, surroundings[index])));
    const done = progress.position >= end;
    if (done && (range.to === 0 || range.to >= head)) found.push(...checkTotals(await readTotals(sql)));
    return {
      from,
      to: progress.position,
      head,
      next: done ? undefined : progress.position + 1,
      findings: found.sort((a, b) => a.position - b.position),
      streamCompared: reader.compared(),
      streamProblem,
    };
  } finally {
    await reader.close();
  }
}

async function checkPages(
  { sql, decode }: VerifyDeps,
  { progress, found, most, reader }: { progress: Progress; found: Finding[]; most: number; reader: StreamComparison },
): Promise<string> {
  const deadline = performance.now() + limits.timeMs;
  let { problem } = reader;
  while (progress.position < most && found.length < limits.findings && performance.now() < deadline) {
    const { events, position: until } = await readPage(sql, {
      after: progress.position,
      limit: Math.min(pageSize, most - progress.position),
    });
    found.push(...checkEvents(progress, events, until, decode));
    if (problem !== '') continue;
    try {
      found.push(...(await reader.compare(events)).map(ofStream));
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  return problem;
}

function checkSurroundings(met: Parameters<typeof checkAggregate>[0], around: Parameters<typeof checkAggregate>[1] | undefined): Finding[] {
  if (around === undefined) throw new Error('each aggregate is looked up');
  return checkAggregate(met, around);
}

const kinds = {
  missing: 'stream_event_missing',
  differs: 'stream_event_differs',
  ahead: 'stream_ahead',
  other_incarnation: 'stream_of_another_log',
} as const;

function ofStream({ kind, position, message }: StreamFault): Finding {
  return finding(kinds[kind], position, message);
}
