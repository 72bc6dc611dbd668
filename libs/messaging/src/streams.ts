import { nanos } from '@nats-io/nats-core';
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { describeError, type StreamSpec } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';

/** The part of a stream's configuration that we ask for, and compare with what the server kept. */
export type AskedConfig = Partial<StreamConfig> & { name: string };

const streamNameInUse = 10058;
/** Set when a stream is made and never again; a differing one is reported, not updated. */
const fixedAtCreation = new Set(['name', 'storage', 'retention', 'max_consumers', 'first_seq']);

/**
 * The configuration of a declared stream: R`replicas`, file storage, limits. `firstSequence` is the sequence of the
 * first message, for a stream that is made anew.
 */
export function streamConfig(spec: StreamSpec, options: { replicas: number; firstSequence?: number }): AskedConfig {
  return {
    name: spec.name,
    subjects: [...spec.subjects],
    retention: spec.workQueue === true ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: options.replicas,
    max_age: nanos(spec.maxAgeMs),
    max_msgs: -1,
    max_bytes: -1,
    // Servers from 2.15 on allow 1,000 consumers by default; we say it ourselves, so that all versions agree.
    max_consumers: -1,
    allow_direct: true,
    deny_delete: spec.sealed,
    deny_purge: spec.sealed,
    ...(options.firstSequence === undefined ? {} : { first_seq: options.firstSequence }),
  };
}

/**
 * Makes the stream, or updates it when it differs, and asserts that the server kept what was asked: differences are
 * logged as errors and returned. Throws what the JetStream API throws when the stream cannot be made or read.
 */
export async function ensureStream(
  manager: JetStreamManager,
  asked: AskedConfig,
  logger: Logger,
): Promise<{ info: StreamInfo; differences: string[] }> {
  const found = await findStream(manager, asked.name);
  const info = found === undefined ? await addStream(manager, asked) : await updateStream(manager, found, asked, logger);
  const differences = configDifferences(asked, info.config).filter((key) => key !== 'first_seq');
  if (differences.length > 0) {
    logger.error(
      { stream: asked.name, asked: pick(asked, differences), kept: pick(info.config, differences) },
      'the NATS server keeps a stream configuration other than the one asked for',
    );
  }
  return { info, differences };
}

/** The stream's info, or undefined when there is no such stream. */
export async function findStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isStreamMissing(error)) return undefined;
    throw error;
  }
}

/** True when the JetStream API answered that the stream does not exist. */
export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

async function addStream(manager: JetStreamManager, asked: AskedConfig): Promise<StreamInfo> {
  try {
    return await manager.streams.add(asked);
  } catch (error) {
    // Another process made it a moment ago, in its own way: take it, the assertion tells the difference.
    if (error instanceof JetStreamApiError && error.code === streamNameInUse) return await manager.streams.info(asked.name);
    throw error;
  }
}

async function updateStream(manager: JetStreamManager, found: StreamInfo, asked: AskedConfig, logger: Logger): Promise<StreamInfo> {
  const changed = configDifferences(asked, found.config).filter((key) => !fixedAtCreation.has(key));
  if (changed.length === 0) return found;
  try {
    return await manager.streams.update(asked.name, { ...found.config, ...pick(asked, changed) });
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    logger.error({ stream: asked.name, error: describeError(error) }, 'the NATS server refuses to update the stream');
    return found;
  }
}

/** The keys whose value the server did not keep as asked. A number or list that is absent counts as 0 or empty. */
export function configDifferences(asked: object, kept: object): string[] {
  const keptEntries = new Map<string, unknown>(Object.entries(kept));
  return Object.entries(asked)
    .filter(([key, value]) => !sameSetting(value, keptEntries.get(key)))
    .map(([key]) => key);
}

function sameSetting(asked: unknown, kept: unknown): boolean {
  // The server leaves out what is at its zero value.
  const absent = asked === 0 || asked === false || asked === '' || (Array.isArray(asked) && asked.length === 0);
  if (kept === undefined) return asked === undefined || absent;
  return JSON.stringify(asked) === JSON.stringify(kept);
}

function pick(config: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => keys.includes(key)));
}
