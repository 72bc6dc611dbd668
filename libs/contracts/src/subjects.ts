/**
 * Every JetStream stream, subject and KV bucket, in one place. libs/messaging creates them and asserts that the
 * server kept what was asked. A namespace lets several installations share one NATS.
 */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly maxAgeMs: number;
  /** Refuse deletes and purges: the stream mirrors the log. */
  readonly sealed: boolean;
  /** Each message goes to the one consumer of its subject and is deleted once that has acknowledged it. */
  readonly workQueue?: boolean;
  /** Position-numbered streams are created by the event log's relay, which knows the first sequence. */
  readonly createdBy: 'messaging' | 'relay';
}

export interface BucketSpec {
  readonly name: string;
  readonly history: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Names for one namespace: `''` for the default, else a prefix of stream names and subjects. */
export function topology(namespace: string) {
  const subject = namespace === '' ? '' : `${namespace}.`;
  const stream = namespace === '' ? '' : `${namespace.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}_`;
  return {
    streams: {
      /** Committed events; sequence = position. */
      evt: { name: `${stream}EVT`, subjects: [`${subject}evt.>`], maxAgeMs: 7 * dayMs, sealed: true, createdBy: 'relay' },
      /** Messages a consumer gave up on. */
      deadLetter: { name: `${stream}DEAD`, subjects: [`${subject}dead.>`], maxAgeMs: 30 * dayMs, sealed: false, createdBy: 'messaging' },
      /** Messages that were given up on and are to be handled once more, each by the consumer that gave up. */
      retry: {
        name: `${stream}RETRY`,
        subjects: [`${subject}retry.>`],
        maxAgeMs: 30 * dayMs,
        sealed: false,
        workQueue: true,
        createdBy: 'messaging',
      },
    } satisfies Record<string, StreamSpec>,
    buckets: {
      /** Effective placement: chunks, shard directories, commit marker (docs/placement-protocol.md). */
      placement: { name: `${stream}PLACEMENT`, history: 1 },
      /** Documents of the configuration registry, a key each (config.ts). */
      config: { name: `${stream}CONFIG`, history: 1 },
    } satisfies Record<string, BucketSpec>,
    subjects: {
      event: (aggregateType: string, aggregateId: string, eventType: string) =>
        `${subject}evt.${subjectToken(aggregateType)}.${subjectToken(aggregateId)}.${subjectToken(eventType)}`,
      /** Filter: every event of an aggregate type, or of one event type of it. */
      eventsOf: (aggregateType: string, eventType = '*') => `${subject}evt.${subjectToken(aggregateType)}.*.${eventType}`,
      deadLetter: (consumer: string) => `${subject}dead.${subjectToken(consumer)}`,
      retry: (consumer: string) => `${subject}retry.${subjectToken(consumer)}`,
      /** Core NATS, payload `{position}`: the log has grown. */
      logPoke: `${subject}poke.log`,
      /** Core NATS, payload `{relay, incarnation}`: a relay whose log agrees with the stream is at work. */
      relayPoke: `${subject}poke.relay`,
      /** Core NATS, payload `{name, position}`: a projection's checkpoint moved. */
      checkpointPoke: `${subject}poke.checkpoint`,
      /** Core NATS, payload `{job_id}`: a job was queued, cancelled or unblocked. */
      jobPoke: `${subject}poke.job`,
      /** Core NATS, told by placement to all who read it: how what stands in its bucket has changed (docs/placement-protocol.md). */
      placementIncrements: `${subject}placement.increments`,
    },
  };
}

export type Topology = ReturnType<typeof topology>;

/** Makes one subject token of any id: letters, digits, `_` and `-` stay, every other byte becomes `=` and two hex digits. */
export function subjectToken(id: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(id)) return id;
  if (id === '') return '=';
  return Array.from(Buffer.from(id, 'utf8'), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).padStart(2, '0')}`;
  }).join('');
}
