/**
 * Brings documents in force, and candidates, to the KV bucket CONFIG: after each commit of this process, at each NATS connection, and on a slow poll
 * for what other replicas committed or the bucket lost. Each key is written on the condition that nobody else wrote it since it was read, so
 * replicas need no lock among them. The epoch is placement's: a restored database gets a new one, and readers take what it holds.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  configDomains,
  configKey,
  configPath,
  configScopePattern,
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
import { defaultsOf } from './read.js';
import { documentsChangedAfter, documentsToPublish, publishedState, type PublishedDocument } from './store/documents.js';

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
  /** How often the bucket is looked at key by key when somebody else wrote to it. */
  sweepMs?: number;
}): ConfigPublication {
  const { database, messaging, logger, raiseEpoch, pollMs = 1_000, sweepMs = 300_000 } = options;
  const bucket = messaging.topology.buckets.config;
  const bell = createBell();
  /** Up to which change the bucket holds everything; undefined when it is to be looked at key by key. */
  let upTo: { epoch: number; changes: number } | undefined;
  let created: string | undefined;
  /** How the bucket was when it was to be looked at key by key, and when that was. */
  let swept = { as: '', atMs: -Infinity };
  /** Another number whenever there is a new reason to look at the bucket key by key. */
  let reasons = 0;
  let problem: string | undefined;
  let stopping = false;
  const isStopping = () => stopping;

  function lookAgain(): void {
    reasons += 1;
    upTo = undefined;
  }

  /** Makes the bucket where there is none. One that is another than before, or that somebody wrote to since, is looked at key by key. */
  async function openBucket(): Promise<void> {
    const manager = await messaging.manager();
    const found = await findStream(manager, bucketStream(bucket));
    const isKnown = found !== undefined && found.created === created;
    const { info } = isKnown
      ? { info: found }
      : await ensureStream(manager, bucketConfig(bucket, { replicas: messaging.replicas }), logger);
    const as = `${String(info.state.messages)} ${String(info.state.last_seq)}`;
    if (isKnown && (as === swept.as || performance.now() - swept.atMs < sweepMs)) return;
    created = info.created;
    swept = { as, atMs: performance.now() };
    lookAgain();
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
    const because = reasons;
    const state = await publishedState(database);
    const before = upTo;
    // A database that has seen less than before was restored.
    const goesOn = before?.epoch === state.epoch && before.changes <= state.changes;
    const changes = goesOn ? await publishSince(before.changes, state.changes) : await publishAll(state);
    if (changes !== undefined && because === reasons) upTo = { epoch: state.epoch, changes };
  }

  /** What changed after so many changes. Answers up to which; undefined when it has to be begun anew. */
  async function publishSince(after: number, changes: number): Promise<number | undefined> {
    if (after === changes) return changes;
    for (const some of inTurn(await documentsChangedAfter(database, after))) if (!(await publish(some))) return undefined;
    return changes;
  }

  /** Every document; what changes meanwhile does not wait for the others. Answers as publishSince does. */
  async function publishAll({ epoch, changes }: { epoch: number; changes: number }): Promise<number | undefined> {
    const all = await documentsChangedAfter(database, -1);
    const known = new Set(all.map(configPath));
    // Told of, and not in the database: that was restored to what it was before they were.
    const gone = (await identitiesTold()).filter((identity) => !known.has(configPath(identity)));
    let upToNow: number | undefined = changes;
    for (const some of inTurn([...all, ...gone])) {
      const now = await publishedState(database);
      if (now.epoch !== epoch || isStopping()) return undefined;
      upToNow = await publishSince(upToNow, now.changes);
      if (upToNow === undefined || !(await publish(some))) return undefined;
    }
    return upToNow;
  }

  /** The documents that the bucket holds something in force of. */
  async function identitiesTold(): Promise<ConfigIdentity[]> {
    const filter = bucketSubject(bucket, 'effective.>');
    const { state } = await (await messaging.manager()).streams.info(bucketStream(bucket), { subjects_filter: filter });
    return Object.keys(state.subjects ?? {}).flatMap((subject) => identityOf(subject.slice(filter.length - 1)) ?? []);
  }

  /** Publishes some documents, again when another replica was faster. False when the epoch had to be raised. */
  async function publish(some: readonly ConfigIdentity[]): Promise<boolean> {
    for (;;) {
      try {
        return await tryPublish(some);
      } catch (error) {
        if (!isMoved(error) || isStopping()) throw error;
      }
    }
  }

  /** The bucket is looked at before the database is: what another replica published meanwhile is not newer than the truth. */
  async function tryPublish(some: readonly ConfigIdentity[]): Promise<boolean> {
    const keys = some.flatMap((identity) => configStages.map((stage) => configKey(stage, identity)));
    const held = new Map(await Promise.all(keys.map(async (key): Promise<[string, Held]> => [key, await read(key)])));
    const heldOf = (key: string) => held.get(key) ?? { sequence: 0, text: '' };
    const { epoch, documents } = await documentsToPublish(database, some);
    const found = new Map(documents.map((document) => [configPath(document), document]));
    const values = some.flatMap((identity) =>
      valuesOf(epoch, found.get(configPath(identity)) ?? nothingOf(identity), heldOf(configKey('effective', identity)).text !== ''),
    );
    const newer = values.find(([key, value]) => isNewer(heldOf(key).text, value));
    if (newer !== undefined) {
      logger.warn({ key: newer[0] }, 'KV knows another configuration than the database; raising the epoch');
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

/** A document that the database has nothing of. */
function nothingOf({ domain, scope, name }: ConfigIdentity): PublishedDocument {
  const candidate = { candidateRevision: null, candidateSha256: null, candidateContent: null, candidateGateways: [] };
  return { domain, scope, name, revision: 0, sha256: '', content: '', ...candidate };
}

function* inTurn<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let from = 0; from < items.length; from += documentsAtOnce) yield items.slice(from, from + documentsAtOnce);
}

/** Which document a key's end names; undefined for what is foreign, or of another release. */
function identityOf(path: string): ConfigIdentity | undefined {
  const parts = path.split('.');
  const domain = configDomains.find((known) => known === parts[0]);
  const scope = parts.slice(1, -1).join('/');
  const name = parts.at(-1) ?? '';
  return domain === undefined || name === '' || !configScopePattern.test(scope) ? undefined : { domain, scope, name };
}

/**
 * What the keys of a document are to hold. One that nobody tries has an empty candidate, so that readers let go of the one before; for the same reason
 * defaults are told where something else `wasTold`.
 */
export function valuesOf(epoch: number, document: PublishedDocument, wasTold: boolean): [key: string, value: ConfigValue][] {
  const identity: ConfigIdentity = document;
  const { revision, sha256, content } = document;
  const values: [string, ConfigValue][] = [];
  const effective = configKey('effective', identity);
  if (revision > 0) values.push([effective, { epoch, revision, sha256, content: objectOf(content) }]);
  else if (wasTold) {
    const defaults = defaultsOf(identity);
    values.push([effective, { epoch, revision, sha256: defaults.row.sha256, content: objectOf(defaults.content) }]);
  }
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

/** Readers would ignore what we publish: the database was restored to what it was before, and may have come to another content under the same number. */
function isNewer(text: string, { epoch, revision, sha256, gateways }: ConfigValue): boolean {
  if (text === '' || gateways !== undefined) return false;
  const found = configValue.safeParse(parsed(text));
  if (!found.success || found.data.epoch < epoch) return false;
  const { data } = found;
  return data.epoch > epoch || data.revision > revision || (data.revision === revision && revision > 0 && data.sha256 !== sha256);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Foreign: it is replaced.
    return undefined;
  }
}
