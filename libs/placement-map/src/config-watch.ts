import {
  configKey,
  configStages,
  configValue,
  describeError,
  type ConfigIdentity,
  type ConfigStage,
  type ConfigValue,
} from '@fairlead/contracts';
import { createBell, type Messaging } from '@fairlead/messaging';
import type { Logger } from '@fairlead/telemetry';
import { bucketStream, bucketSubject } from './bucket.js';

/** Follows documents of the configuration registry. */
export interface ConfigWatch {
  /** What KV holds of a document's stage; kept while NATS is away. Undefined before the first look, or when there is none. */
  current(identity: ConfigIdentity, stage: ConfigStage): ConfigValue | undefined;
  stop(): Promise<void>;
}

const longestPauseMs = 1_000;
const shortestPauseMs = 5;

/**
 * Follows some documents in the background for ever, through lost connections and a bucket made anew; `onChange` runs when one is another. It reads
 * values, woken by what passes on its way to the bucket and every second in any case; so it needs no right but to read them and to hear of changes.
 * Which of two values is newer is for the reader to say.
 */
export function watchConfig(options: {
  messaging: Messaging;
  logger: Logger;
  identities: readonly ConfigIdentity[];
  onChange?: () => void;
}): ConfigWatch {
  const { messaging, logger, identities } = options;
  const bucket = messaging.topology.buckets.config;
  const keys = identities.flatMap((identity) => configStages.map((stage) => configKey(stage, identity)));
  const seen = new Map<string, { text: string; value: ConfigValue }>();
  const bell = createBell();
  let woken = true;
  let problem: string | undefined;
  let stopping = false;
  const isStopping = () => stopping;

  async function look(key: string): Promise<boolean> {
    const subject = bucketSubject(bucket, key);
    const stored = await (await messaging.manager()).direct.getMessage(bucketStream(bucket), { last_by_subj: subject });
    if (stored?.subject !== subject) return false;
    const text = stored.string();
    if (seen.get(key)?.text === text) return false;
    seen.set(key, { text, value: configValue.parse(JSON.parse(text)) });
    return true;
  }

  async function pass(): Promise<void> {
    try {
      const changed = await Promise.all(keys.map(look));
      problem = undefined;
      if (changed.includes(true) && !isStopping()) options.onChange?.();
    } catch (error) {
      const text = describeError(error);
      if (text !== problem && messaging.connected() && !isStopping())
        logger.warn({ bucket: bucket.name, error: text }, 'configuration can not be read; what was read stays');
      problem = text;
    }
  }

  async function run(): Promise<void> {
    let pauseMs = longestPauseMs;
    while (!isStopping()) {
      // A value is heard of before it is stored: soon, and then less often, it is looked for again.
      if (woken) pauseMs = shortestPauseMs;
      woken = false;
      if (messaging.connected()) await pass();
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      if (!isStopping()) await bell.wait(pauseMs);
    }
  }

  const wake = () => {
    woken = true;
    bell.ring();
  };
  const removeSubscription = messaging.subscribeCore(bucketSubject(bucket, '>'), wake);
  const removeHook = messaging.onConnect(() => {
    wake();
    return Promise.resolve();
  });
  void run();
  return {
    current: (identity, stage) => seen.get(configKey(stage, identity))?.value,
    stop() {
      stopping = true;
      removeSubscription();
      removeHook();
      bell.ring();
      return Promise.resolve();
    },
  };
}
