/**
 * Brings documents in force, and candidates, to the KV bucket CONFIG: after each commit of this process, at each NATS connection, and on a slow poll
 * for what other replicas committed or the bucket lost. Each key is written on the condition that nobody else wrote it since it was read, so
 * replicas need no lock among them. The epoch is placement's: a restored database gets a new one, and readers take what it holds.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  configKey,
  configPath,
  configStages,
  configValue,
  describeError,
  type ConfigIdentity,
  type ConfigValue,
} from '@fairlead/contracts';
import { createBell, ensureStream, findStream, type Messaging } from '@fairlead/messaging';
import { bucketConfig, bucketStream, bucketSubject } from '@fairlead/placement-map';
import type { Database } from '@fairlead/postgres';
import type { Logger } from '@fairlead/telemetry';
import { documentsToPublish, documentStates, publishedState, type PublishedDocument } from './store/documents.js';

export interface ConfigPublication {
  /** Something was committed: publish at once. */
  changed(): void;
  /** Why KV does not hold what is in force; undefined when it does. */
  problem(): string | undefined;
  stop(): Promise<void>;
}

/** Read and written at a time: their contents are held meanwhile. */
const documentsAtOnce = 32;

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
  /** By path, how a document stood that the bucket holds. */
  let published = new Map<string, string>();
  /** Since when nothing has changed that is not published. */
  let upTo: { epoch: number; changes: number } | undefined;
  let created: string | undefined;
  let problem: string | undefined;
  let stopping = false;
  const isStopping = () => stopping;

  function lookAgain(): void {
    published = new Map();
    upTo = undefined;
  }

  async function openBucket(): Promise<void> {
    const manager = await messaging.manager();
    const found = await findStream(manager, bucketStream(bucket));
    if (found !== undefined && found.created === created) return;
    const { info } = await ensureStream(manager, bucketConfig(bucket, { replicas: messaging.replicas }), logger);
    lookAgain();
    created = info.created;
  }

  /** What the bucket holds of a key. */
  async function read(key: string): Promise<Held> {
    const manager = await messaging.manager();
    const stored = await manager.streams.getMessage(bucketStream(bucket), { last_by_subj: bucketSubject(bucket, key) });
    return { sequence: stored?.seq ?? 0, text: stored === null ? '' : stored.string() };
  }

  async function write(key: string, value: ConfigValue, { sequence, text }: Held): Promise<void> {
    const wanted = JSON.stringify(value);
    if (text === wanted) return;
    const expect = { streamName: bucketStream(bucket), lastSubjectSequence: sequence };
    await messaging.jetstream().publish(bucketSubject(bucket, key), wanted, { expect });
  }

  async function pass(): Promise<void> {
    await openBucket();
    const state = await publishedState(database);
    if (state.epoch === upTo?.epoch && state.changes === upTo.changes) return;
    if (state.epoch !== upTo?.epoch) lookAgain();
    // Another one as soon as all is to be looked at again.
    const known = published;
    const changed = (await documentStates(database)).filter((document) => known.get(configPath(document)) !== document.state);
    for (let from = 0; from < changed.length; from += documentsAtOnce) {
      const some = changed.slice(from, from + documentsAtOnce);
      if (!(await publish(some))) return;
      for (const document of some) known.set(configPath(document), document.state);
    }
    if (known === published) upTo = state;
  }

  /** The bucket is looked at before the database is: what another replica published meanwhile is not newer than the truth. False when the epoch had to be raised. */
  async function publish(some: readonly ConfigIdentity[]): Promise<boolean> {
    const keys = some.flatMap((identity) => configStages.map((stage) => configKey(stage, identity)));
    const held = new Map(await Promise.all(keys.map(async (key): Promise<[string, Held]> => [key, await read(key)])));
    const { epoch, documents } = await documentsToPublish(database, some);
    const values = documents.flatMap((document) => valuesOf(epoch, document));
    const heldOf = (key: string) => held.get(key) ?? { sequence: 0, text: '' };
    const newer = values.find(([key, value]) => isNewer(heldOf(key).text, value));
    if (newer !== undefined) {
      logger.warn({ key: newer[0] }, 'KV knows a newer configuration than the database; raising the epoch');
      await raiseEpoch();
      bell.ring();
      return false;
    }
    for (const [key, value] of values) await write(key, value, heldOf(key));
    return true;
  }

  async function run(): Promise<void> {
    while (!isStopping()) {
      try {
        if (messaging.connected()) await pass();
        if (problem !== undefined) logger.info('configuration is published again');
        problem = undefined;
      } catch (error) {
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
    lookAgain();
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

/** What the keys of a document are to hold. One that nobody tries has an empty candidate, so that readers let go of the one before. */
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
