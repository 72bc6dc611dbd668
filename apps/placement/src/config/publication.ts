/**
 * Brings documents in force, and candidates, to the KV bucket CONFIG: after each commit of this process, at each NATS connection, and on a slow poll
 * for what other replicas committed or the bucket lost. Each key is written on the condition that nobody else wrote it since it was read, so
 * replicas need no lock among them. The epoch is placement's: a restored database gets a new one, and readers take what it holds.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import { configKey, configValue, describeError, type ConfigIdentity, type ConfigValue } from '@fairlead/contracts';
import { createBell, ensureStream, findStream, type Messaging } from '@fairlead/messaging';
import { bucketConfig, bucketStream, bucketSubject } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { documentsToPublish, type PublishedDocument } from './store/documents.js';

export interface ConfigPublication {
  /** Something was committed: publish at once. */
  changed(): void;
  /** Why KV does not hold what is in force; undefined when it does. */
  problem(): string | undefined;
  stop(): Promise<void>;
}

interface Held {
  readonly sequence: number;
  readonly text: string;
}

/** Starts publishing. */
export function startConfigPublication(options: {
  database: Database;
  messaging: Messaging;
  logger: Logger;
  /** Raises placement's epoch by one, unless somebody else just did. */
  raiseEpoch: () => Promise<void>;
  pollMs?: number;
}): ConfigPublication {
  const { database, messaging, logger, raiseEpoch, pollMs = 1_000 } = options;
  const bucket = messaging.topology.buckets.config;
  const bell = createBell();
  /** What the bucket holds of each key, as far as it was looked at. */
  let held = new Map<string, Held>();
  let created: string | undefined;
  let problem: string | undefined;
  let stopping = false;
  const isStopping = () => stopping;

  async function openBucket(): Promise<void> {
    const manager = await messaging.manager();
    const found = await findStream(manager, bucketStream(bucket));
    if (found !== undefined && found.created === created) return;
    const { info } = await ensureStream(manager, bucketConfig(bucket, { replicas: messaging.replicas }), logger);
    held = new Map();
    created = info.created;
  }

  async function read(key: string): Promise<Held> {
    const known = held.get(key);
    if (known !== undefined) return known;
    const manager = await messaging.manager();
    const stored = await manager.streams.getMessage(bucketStream(bucket), { last_by_subj: bucketSubject(bucket, key) });
    const found = { sequence: stored?.seq ?? 0, text: stored === null ? '' : stored.string() };
    held.set(key, found);
    return found;
  }

  async function write(key: string, value: ConfigValue): Promise<void> {
    const { sequence, text } = await read(key);
    const wanted = JSON.stringify(value);
    if (text === wanted) return;
    // What happens to a write without an answer is not known: the key is read again.
    held.delete(key);
    const expect = { streamName: bucketStream(bucket), lastSubjectSequence: sequence };
    const ack = await messaging.jetstream().publish(bucketSubject(bucket, key), wanted, { expect });
    held.set(key, { sequence: ack.seq, text: wanted });
  }

  /** The bucket is looked at before the database is: what another replica published meanwhile is not newer than the truth. */
  async function pass(): Promise<void> {
    await openBucket();
    const before = await documentsToPublish(database);
    for (const document of before.documents) for (const [key] of valuesOf(before.epoch, document)) await read(key);
    const { epoch, documents } = await documentsToPublish(database);
    const values = documents.flatMap((document) => valuesOf(epoch, document));
    const newer = values.find(([key, value]) => isNewer(held.get(key)?.text ?? '', value));
    if (newer !== undefined) {
      logger.warn({ key: newer[0] }, 'KV knows a newer configuration than the database; raising the epoch');
      await raiseEpoch();
      bell.ring();
      return;
    }
    for (const [key, value] of values) await write(key, value);
  }

  async function run(): Promise<void> {
    while (!isStopping()) {
      try {
        if (messaging.connected()) await pass();
        if (problem !== undefined) logger.info('configuration is published again');
        problem = undefined;
      } catch (error) {
        held = new Map();
        // Another replica was faster: what it wrote is looked at next.
        if (isMoved(error)) continue;
        const text = describeError(error);
        if (text !== problem) logger.warn({ error: text }, 'configuration is not published; trying again');
        problem = text;
      }
      if (!isStopping()) await bell.wait(pollMs);
    }
  }

  const removeHook = messaging.onConnect(() => {
    held = new Map();
    bell.ring();
    return Promise.resolve();
  });
  const done = run();
  return {
    changed: () => {
      bell.ring();
    },
    problem: () => problem,
    stop: async () => {
      stopping = true;
      removeHook();
      bell.ring();
      await done;
    },
  };
}

/** What the keys of a document are to hold. The candidate of one that was never tried has no key. */
export function valuesOf(epoch: number, document: PublishedDocument): [key: string, value: ConfigValue][] {
  const identity: ConfigIdentity = document;
  const { revision, sha256, content } = document;
  const values: [string, ConfigValue][] = [];
  if (revision > 0) values.push([configKey('effective', identity), { epoch, revision, sha256, content: objectOf(content) }]);
  if (document.candidateRevision !== null && document.candidateSha256 !== null)
    values.push([
      configKey('candidate', identity),
      {
        ...{ epoch, revision: document.candidateRevision, sha256: document.candidateSha256 },
        ...{ content: objectOf(document.candidateContent), gateways: [...document.candidateGateways] },
      },
    ]);
  else values.push([configKey('candidate', identity), { epoch, revision, sha256: '', content: {}, gateways: [] }]);
  return values;
}

const wrongLastSequence = 10_071;

function isMoved(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === wrongLastSequence;
}

function objectOf(content: string | null): Record<string, unknown> {
  return content === null ? {} : (JSON.parse(content) as Record<string, unknown>);
}

/** Readers would ignore what we publish: the database was restored to what it was before. */
function isNewer(text: string, { epoch, revision, gateways }: ConfigValue): boolean {
  if (text === '' || gateways !== undefined) return false;
  const found = configValue.safeParse(parsed(text));
  return found.success && (found.data.epoch > epoch || (found.data.epoch === epoch && found.data.revision > revision));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Foreign: it is replaced.
    return undefined;
  }
}
