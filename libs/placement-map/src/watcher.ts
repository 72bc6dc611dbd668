import { DeliverPolicy, type Consumer } from '@nats-io/jetstream';
import { describeError } from '@fairlead/contracts';
import { endOfMessages, findStream, keepSession, type Messaging, type Session } from '@fairlead/messaging';
import type { Logger } from '@fairlead/telemetry';
import { createAssembler } from './assembler.js';
import { bucketStream, bucketSubject } from './bucket.js';
import type { PlacementSnapshot } from './snapshot.js';

/** Follows placement. */
export interface PlacementWatch {
  /** The newest complete snapshot seen; kept while its origin is away or lost. Undefined before the first. */
  current(): PlacementSnapshot | undefined;
  stop(): Promise<void>;
}

const checkEveryMs = 1000;
const unusedConsumerEndsAfterMs = 30_000;

/**
 * Follows the placement bucket in the background for ever, through lost connections, lost consumers and a bucket made
 * anew. `onSnapshot` runs for each new snapshot, never for an older or repeated version.
 */
export function watchPlacement(options: {
  messaging: Messaging;
  logger: Logger;
  onSnapshot?: (snapshot: PlacementSnapshot) => void;
}): PlacementWatch {
  const { messaging, logger } = options;
  const bucket = messaging.topology.buckets.placement;
  const stream = bucketStream(bucket);
  const keyStart = bucketSubject(bucket, '').length;
  const assembler = createAssembler();
  /** The bucket being read, by its creation time, and the sequence up to which it was. */
  let created: string | undefined;
  let cursor = 0;

  function take(subject: string, sequence: number, value: Uint8Array): void {
    cursor = sequence;
    let snapshot: PlacementSnapshot | undefined;
    try {
      snapshot = assembler.take(subject.slice(keyStart), value);
    } catch (error) {
      logger.error({ subject, sequence, error: describeError(error) }, 'a placement value could not be read; the last snapshot stays');
    }
    if (snapshot === undefined) return;
    try {
      options.onSnapshot?.(snapshot);
    } catch (error) {
      logger.error(
        { epoch: snapshot.epoch, revision: snapshot.revision, error: describeError(error) },
        'a placement snapshot was not applied',
      );
    }
  }

  async function makeConsumer(): Promise<Consumer> {
    const start =
      cursor === 0
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: cursor + 1 };
    return await messaging.jetstream().consumers.get(stream, { ...start, inactive_threshold: unusedConsumerEndsAfterMs });
  }

  async function open(): Promise<Session> {
    const info = await findStream(await messaging.manager(), stream);
    if (info === undefined) throw new Error('there is no placement bucket yet');
    // Fewer messages than were read: the store was replaced by an old copy, whose next sequences we have seen otherwise.
    if (info.created !== created || info.state.last_seq < cursor) {
      created = info.created;
      cursor = 0;
      assembler.forget();
    }
    const consumer = await makeConsumer();
    // Nothing is left to be delivered, so nothing before this is missing, though the last message may be a purged one.
    if ((await consumer.info(true)).num_pending === 0) cursor = Math.max(cursor, info.state.last_seq);
    const messages = await consumer.consume({
      max_messages: 256,
      expires: 30_000,
      idle_heartbeat: 5000,
      abort_on_missing_resource: true,
      callback: (message) => {
        take(message.subject, message.seq, message.data);
      },
    });
    const check = checkBucket();
    return {
      ended: Promise.race([endOfMessages(messages), check.failed]),
      async close() {
        check.stop();
        await messages.close();
        // Best effort: the server drops an unused consumer by itself.
        if (messaging.connected()) consumer.delete().catch(() => undefined);
      },
    };
  }

  /** Looks every second whether the bucket is still the same and all of it arrives; a lost one is not told by NATS. */
  function checkBucket(): { failed: Promise<string>; stop(): void } {
    let behind: { cursor: number; last: number } | undefined;
    let report: (reason: string) => void = () => undefined;
    const failed = new Promise<string>((resolve) => (report = resolve));
    const look = async () => {
      // Before the question: what comes while it is answered is not in the answer.
      const read = cursor;
      const info = await findStream(await messaging.manager(), stream);
      if (info === undefined) report('the placement bucket is gone');
      else if (info.created !== created) report('the placement bucket was made anew');
      else if (info.state.last_seq < read) report('the placement bucket was rolled back');
      else if (behind !== undefined && behind.cursor === cursor && behind.last > cursor) report('deliveries are missing');
      behind = info === undefined ? undefined : { cursor, last: info.state.last_seq };
    };
    const timer = setInterval(() => {
      // A question without an answer is asked again in a second; a lost connection ends the session anyway.
      look().catch((error: unknown) => {
        logger.debug({ error: describeError(error) }, 'the placement bucket could not be checked');
      });
    }, checkEveryMs);
    return {
      failed,
      stop: () => {
        clearInterval(timer);
      },
    };
  }

  const session = keepSession({ messaging, what: stream, logger, open });
  return { current: () => assembler.current(), stop: () => session.stop() };
}
