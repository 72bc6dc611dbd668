import { watchChanges, type WatchChangesOptions } from '@fairlead/contracts';
import type { Context } from './context.js';
import { isFinal } from './http/client.js';
import { renderChange } from './view/log.js';

export interface FollowOptions {
  readonly open: WatchChangesOptions['open'];
  readonly query?: WatchChangesOptions['query'];
  /** From now on when it is left out. */
  readonly cursor?: string | undefined;
  /** Ends after so many. */
  readonly count?: number | undefined;
}

/** Tells changes as they come, a line each, over every break. Ends after `count`, and with an error when the gateway refuses. */
export async function followChanges({ terminal, json }: Context, { open, query, cursor, count }: FollowOptions): Promise<void> {
  let left = count ?? Infinity;
  const items = watchChanges({ open, query, cursor, signal: new AbortController().signal, isRefusal: isFinal });
  for await (const item of items) {
    if (item.kind === 'superseded')
      terminal.err(`the log was restored: what was told after position ${item.validUntil} does not hold; going on from ${item.cursor}\n`);
    if (item.kind !== 'change') continue;
    terminal.out(json ? `${JSON.stringify(item.change)}\n` : renderChange(item.change));
    left -= 1;
    if (left <= 0) return;
  }
}
