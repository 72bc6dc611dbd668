import { join } from 'node:path';
import { z } from 'zod';
import { placedKinds, type PlacedKind } from '@fairlead/contracts';
import type { Clock } from '../clock.js';
import { Ledger, type Extent } from '../ledger/ledger.js';
import type { SenderEvent, SenderTrouble } from '../ledger/records.js';
import { readLedgerSnapshot, writeSnapshot } from '../ledger/snapshot.js';

/** The numbered commands of a tenant for one kind: how far they were sent and acknowledged. At most one is open. */
export interface CommandStream {
  readonly tenant: string;
  readonly kind: PlacedKind;
  sent: number;
  acked: number;
}

const snapshotSchema = z.object({
  version: z.literal(1),
  position: z.number(),
  order: z.number(),
  streams: z.array(z.object({ tenant: z.string(), kind: z.enum(placedKinds), sent: z.number(), acked: z.number() })),
});

/** The sender's ledger and what follows from it. */
export class SenderState {
  private covered = 0;

  private constructor(
    readonly ledgerDir: string,
    private readonly file: string,
    private readonly streams: Map<string, CommandStream>,
    private readonly ledger: Ledger<SenderEvent>,
  ) {}

  static async open({ dir, ...options }: { dir: string; clock: Clock; segmentBytes?: number | undefined }): Promise<SenderState> {
    const file = join(dir, 'snapshot.json');
    const ledgerDir = join(dir, 'ledger');
    const snapshot = await readLedgerSnapshot(file, snapshotSchema, ledgerDir);
    const streams = new Map<string, CommandStream>(snapshot?.streams.map((stream) => [streamKey(stream), stream]));
    const ledger = await Ledger.open<SenderEvent>(
      { dir: ledgerDir, ...options },
      (record) => {
        follow(streams, record);
      },
      snapshot,
    );
    const state = new SenderState(ledgerDir, file, streams, ledger);
    state.covered = snapshot?.position ?? 0;
    return state;
  }

  stream(tenant: string, kind: PlacedKind): CommandStream {
    return streamOf(this.streams, { tenant, kind });
  }

  /** Notes that the sender runs again; what is open is sent again from here on. */
  started(): Promise<void> {
    return this.ledger.append({ type: 'started' });
  }

  /** Takes the next number of a stream; durable when it resolves, and only then it may be sent. */
  async next(stream: CommandStream): Promise<number> {
    stream.sent += 1;
    const seq = stream.sent;
    await this.ledger.append({ type: 'sent', tenant: stream.tenant, kind: stream.kind, seq });
    return seq;
  }

  /** Marks a stream's open command as acknowledged. Nobody waits: if it gets lost, the command is sent again and known there. */
  acknowledged(stream: CommandStream): void {
    stream.acked = stream.sent;
    void this.ledger.append({ type: 'acked', tenant: stream.tenant, kind: stream.kind, seq: stream.sent }, true).catch(() => undefined);
  }

  /** Notes what befell a stream's open command. Nobody waits for it. */
  troubled(stream: CommandStream, trouble: SenderTrouble): void {
    void this.ledger.append({ type: trouble, tenant: stream.tenant, kind: stream.kind, seq: stream.sent }, true).catch(() => undefined);
  }

  extent(): Extent {
    return this.ledger.extent();
  }

  /** Writes a snapshot and removes segments that it and `before` no longer need. */
  async tidy(before: number): Promise<void> {
    const content = await this.ledger.atRest((end) => ({
      version: 1,
      ...end,
      streams: Array.from(this.streams.values(), (stream) => ({ ...stream })),
    }));
    await writeSnapshot(this.file, content);
    this.covered = content.position;
    await this.ledger.prune(Math.min(before, this.covered));
  }

  close(): Promise<void> {
    return this.ledger.close();
  }
}

const streamKey = ({ tenant, kind }: { tenant: string; kind: string }) => `${kind} ${tenant}`;

function streamOf(streams: Map<string, CommandStream>, { tenant, kind }: { tenant: string; kind: PlacedKind }): CommandStream {
  let stream = streams.get(streamKey({ tenant, kind }));
  if (stream === undefined) streams.set(streamKey({ tenant, kind }), (stream = { tenant, kind, sent: 0, acked: 0 }));
  return stream;
}

function follow(streams: Map<string, CommandStream>, event: SenderEvent): void {
  if (event.type === 'started') return;
  const stream = streamOf(streams, event);
  if (event.type === 'sent') stream.sent = Math.max(stream.sent, event.seq);
  else if (event.type === 'acked') stream.acked = Math.max(stream.acked, event.seq);
}
