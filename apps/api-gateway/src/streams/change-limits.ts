/** How many change streams there may be, and what is reported of them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { FairleadError } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';

export type Transport = 'poll' | 'sse' | 'grpc';

export interface ChangeLimits {
  /** Takes a place for a stream, or a poll that waits; the answer gives it back. Throws `overloaded` or `rate_limited`. */
  enter(reader: Principal, transport: Transport): () => void;
  delivered(transport: Transport, count: number): void;
  cutOff(transport: Transport, code: string): void;
}

export interface LimitOptions {
  /** Streams of this process. */
  readonly max: number;
  /** Of one login or API token; all tokens of a user have half of `max` together. */
  readonly maxPerPrincipal: number;
  readonly registry: Registry;
}

/** Makes the limits of one process. */
export function changeLimits({ max, maxPerPrincipal, registry }: LimitOptions): ChangeLimits {
  const registers = [registry];
  const open = new Gauge({
    name: 'fairlead_change_streams',
    help: 'Change streams that are open, and polls that wait.',
    labelNames: ['transport'],
    registers,
  });
  const delivered = new Counter({
    name: 'fairlead_changes_delivered_total',
    help: 'Events given to readers of the change stream.',
    labelNames: ['transport'],
    registers,
  });
  const cutOffs = new Counter({
    name: 'fairlead_change_stream_cut_offs_total',
    help: 'Change streams that were ended, by the code that their reader was told.',
    labelNames: ['transport', 'code'],
    registers,
  });
  const taken = new Map<string, number>();
  let all = 0;
  const change = (who: string, by: 1 | -1) => {
    const now = (taken.get(who) ?? 0) + by;
    if (now === 0) taken.delete(who);
    else taken.set(who, now);
  };
  return {
    enter: (reader, transport) => {
      const mine = placesOf(reader, { max, maxPerPrincipal });
      for (const { who, most } of mine) {
        const own = taken.get(who) ?? 0;
        if (own < most) continue;
        throw new FairleadError('rate_limited', `${String(own)} change streams of yours are open, as many as may be`, {
          details: { retry_after_seconds: 10 },
        });
      }
      if (all >= max) throw new FairleadError('overloaded', 'Too many change streams are open', { details: { retry_after_seconds: 5 } });
      all += 1;
      for (const { who } of mine) change(who, 1);
      open.inc({ transport });
      let left = false;
      return () => {
        if (left) return;
        left = true;
        all -= 1;
        open.dec({ transport });
        for (const { who } of mine) change(who, -1);
      };
    },
    delivered: (transport, count) => {
      delivered.inc({ transport }, count);
    },
    cutOff: (transport, code) => {
      cutOffs.inc({ transport, code });
    },
  };
}

/** Whose places a stream takes: the API token's or login's, and the user's, who may have many tokens, but never all places. */
function placesOf(reader: Principal, { max, maxPerPrincipal }: Pick<LimitOptions, 'max' | 'maxPerPrincipal'>) {
  return [
    { who: `as ${reader.apiTokenId ?? reader.id}`, most: maxPerPrincipal },
    { who: reader.onBehalfOf ?? reader.id, most: Math.max(maxPerPrincipal, Math.ceil(max / 2)) },
  ];
}
