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
  /** Of one user or API token. */
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
  const perPrincipal = new Map<string, number>();
  let all = 0;
  return {
    enter: (reader, transport) => {
      const who = reader.apiTokenId ?? reader.id;
      const own = perPrincipal.get(who) ?? 0;
      if (own >= maxPerPrincipal)
        throw new FairleadError('rate_limited', `${String(own)} change streams of yours are open, as many as may be`, {
          details: { retry_after_seconds: 10 },
        });
      if (all >= max) throw new FairleadError('overloaded', 'Too many change streams are open', { details: { retry_after_seconds: 5 } });
      all += 1;
      perPrincipal.set(who, own + 1);
      open.inc({ transport });
      let left = false;
      return () => {
        if (left) return;
        left = true;
        all -= 1;
        open.dec({ transport });
        const rest = (perPrincipal.get(who) ?? 1) - 1;
        if (rest === 0) perPrincipal.delete(who);
        else perPrincipal.set(who, rest);
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
