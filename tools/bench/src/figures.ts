/** What a bench finds: rows that compare us with a peer, and the figures they are made of. */

export type Goal = { atLeast: number } | { atMost: number };

export interface Row {
  metric: string;
  ours: number;
  peer: number;
  peer_name: string;
  unit: string;
  /** Ours by the peer's. */
  ratio: number;
  /** What the ratio has to be, such as `>= 5`; null when the row only tells. */
  goal: string | null;
  /** Computed from ratio and goal; null without a goal. */
  met: boolean | null;
}

/** The middle of some figures; the mean of the two middle ones when their count is even. Throws when there are none. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The figure that a share of all is not above, between two neighbours in proportion. Throws when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) throw new Error('there are no figures');
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * A row from the figures of interleaved rounds. The ratio is the median of the rounds' own ratios, because what the
 * machine does meanwhile slows both of a round alike.
 */
export function compare(given: {
  metric: string;
  unit: string;
  ours: readonly number[];
  peer: readonly number[];
  peerName: string;
  goal?: Goal;
}): Row {
  const { metric, unit, ours, peer, peerName, goal } = given;
  if (ours.length !== peer.length) throw new Error(`${metric}: each round has a figure of both`);
  const ratio = median(ours.map((figure, round) => figure / (peer[round] ?? NaN)));
  return {
    metric,
    ours: rounded(median(ours)),
    peer: rounded(median(peer)),
    peer_name: peerName,
    unit,
    ratio: rounded(ratio),
    goal: goal === undefined ? null : 'atLeast' in goal ? `>= ${String(goal.atLeast)}` : `<= ${String(goal.atMost)}`,
    met: goal === undefined ? null : isMet(ratio, goal),
  };
}

function isMet(ratio: number, goal: Goal): boolean {
  return 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
}

/** Three digits that count. */
function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? Math.ceil(Math.log10(value)) : 3));
}

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.metric,
    `${String(row.ours)} ${row.unit}`,
    `${String(row.peer)} ${row.unit}`,
    row.peer_name,
    String(row.ratio),
    row.goal ?? '',
    row.met === null ? '' : row.met ? 'yes' : 'NO',
  ]);
  const all = [['metric', 'ours', 'peer', 'peer is', 'ratio', 'goal', 'met'], ...cells];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
