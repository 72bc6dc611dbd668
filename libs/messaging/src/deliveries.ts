import type { JsMsg } from '@nats-io/jetstream';
import { describeError } from '@fairlead/contracts';
import { contextFromHeaders, runInContext, type Logger, type Tracing } from '@fairlead/telemetry';
import { createBell } from './bell.js';
import { replayedMessage, type GivenUp, type Origin } from './dead-letters.js';
import type { MessagingMetrics } from './metrics.js';
import { RefusedTurn, type Turns } from './turns.js';

/** One delivery, as a handler sees it; a replay looks like the message that was given up on. */
export interface ConsumedMessage {
  readonly subject: string;
  /** Sequence in the stream it was first published to; in `evt` it is the event's position. */
  readonly sequence: number;
  /** The parsed JSON payload. */
  readonly data: unknown;
  /** How many times the server has delivered this message, or this replay of it, this time included. */
  readonly deliveries: number;
}

/** What was received and is not settled yet; handled one message at a time. */
export interface Deliveries {
  /** Adds a message; `consumerCreated` is the creation time of the consumer that delivered it. */
  add(message: JsMsg, consumerCreated: string): void;
  /** Forgets messages of other consumers and goes on: a session with this consumer begins. */
  begin(consumerCreated: string): void;
  /** Tells the server that all of it is being worked on. */
  stillWorking(): void;
  /** Handles what is left, at most 10 s long, gives the rest back, and ends. */
  stop(): Promise<void>;
}

export interface DeliveryRules {
  readonly name: string;
  readonly stream: string;
  /** The stream holds replays: messages that say which one they stand for. */
  readonly replays: boolean;
  readonly maxDeliver: number;
  readonly backoffMs: readonly number[];
  readonly handler: (message: ConsumedMessage) => Promise<void>;
  /** Shared with what else calls this handler. */
  readonly turns: Turns;
  readonly deadLetter: (letter: GivenUp) => Promise<void>;
  /** Creation time of the consumer when the current connection has seen it, else undefined. */
  readonly verified: () => string | undefined;
  readonly connected: () => boolean;
  readonly logger: Logger;
  readonly metrics: MessagingMetrics;
  readonly tracing: Tracing;
}

interface Delivery {
  readonly message: JsMsg;
  readonly consumerCreated: string;
  readonly original: Origin;
  /** How many times the message has been replayed. */
  readonly replays: number;
}

const stopTimeoutMs = 10_000;
const deadLetterRetryMs = 5000;

class MalformedPayload extends Error {}

export function createDeliveries(rules: DeliveryRules): Deliveries {
  const { name, stream, maxDeliver, backoffMs, verified, logger, metrics } = rules;
  const queue: Delivery[] = [];
  const bell = createBell();
  let current: Delivery | undefined;
  let stopping = false;
  let deadline = Infinity;

  /** Acknowledges, or asks for redelivery, once it is sure that the consumer is still the one that delivered. */
  async function settle(delivery: Delivery, how: (message: JsMsg) => void): Promise<void> {
    while (verified() === undefined && performance.now() < deadline) {
      if (stopping && !rules.connected()) return;
      await bell.wait(100);
    }
    if (verified() === delivery.consumerCreated) how(delivery.message);
  }

  async function handle(delivery: Delivery): Promise<void> {
    const { message } = delivery;
    const deliveries = message.info.deliveryCount;
    try {
      await rules.turns.take(deliveries > maxDeliver, () => process(delivery));
    } catch (error) {
      if (error instanceof RefusedTurn) {
        await giveUp(delivery, new Error(`handling did not finish in ${deliveries - 1} deliveries`));
        return;
      }
      metrics.count('failed', name);
      if (deliveries >= maxDeliver || error instanceof MalformedPayload) await giveUp(delivery, error);
      else await retryLater(delivery, error);
      return;
    }
    metrics.count('consumed', name);
    await settle(delivery, () => {
      message.ack();
    });
  }

  /** Calls the handler, in a span that is the child of the publisher's. */
  async function process({ message, original: { subject, sequence } }: Delivery): Promise<void> {
    const deliveries = message.info.deliveryCount;
    const attributes = {
      'messaging.system.name': 'nats',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': stream,
      'messaging.consumer.group.name': name,
      'messaging.message.id': String(sequence),
      'fairlead.message.deliveries': deliveries,
    };
    await rules.tracing.span(`process ${stream}`, { kind: 'consumer', attributes }, () =>
      rules.handler({ subject, sequence, data: parse(message), deliveries }),
    );
  }

  async function retryLater(delivery: Delivery, error: unknown): Promise<void> {
    const { message, original } = delivery;
    const deliveries = message.info.deliveryCount;
    const pauseMs = backoffMs[Math.min(deliveries, backoffMs.length) - 1] ?? 0;
    logger.warn(
      { sequence: original.sequence, deliveries, pauseMs, error: describeError(error) },
      'a message was not handled; it will be redelivered',
    );
    await settle(delivery, () => {
      message.nak(pauseMs);
    });
  }

  async function giveUp(delivery: Delivery, error: unknown): Promise<void> {
    const { message, original, replays } = delivery;
    const { data: payload, headers } = message;
    const { subject, sequence } = original;
    try {
      await rules.deadLetter({ consumer: name, original, replays, deliveries: message.info.deliveryCount, error, payload, headers });
    } catch (failure) {
      logger.error({ sequence, error: describeError(failure) }, 'a message could not be dead-lettered; it will be redelivered');
      await settle(delivery, () => {
        message.nak(deadLetterRetryMs);
      });
      return;
    }
    metrics.count('dead_lettered', name);
    logger.error({ sequence, subject, error: describeError(error) }, 'a message was dead-lettered');
    await settle(delivery, () => {
      message.ack();
    });
  }

  async function work(): Promise<void> {
    while (performance.now() < deadline) {
      // Between sessions the queue waits: it may belong to a consumer that is gone.
      const delivery = verified() === undefined ? undefined : queue.shift();
      if (delivery === undefined) {
        if (stopping) return;
        await bell.wait();
        continue;
      }
      current = delivery;
      const context = contextFromHeaders((header) => delivery.message.headers?.get(header));
      await runInContext(context, () => handle(delivery));
      current = undefined;
    }
  }
  const worker = work();

  return {
    add(message, consumerCreated) {
      const own = { original: { stream, subject: message.subject, sequence: message.seq }, replays: 0 };
      const stands = rules.replays ? replayedMessage(message.headers) : undefined;
      queue.push({ message, consumerCreated, ...(stands ?? own) });
      bell.ring();
    },
    begin(consumerCreated) {
      queue.splice(0, queue.length, ...queue.filter((delivery) => delivery.consumerCreated === consumerCreated));
      bell.ring();
    },
    stillWorking() {
      const created = verified();
      for (const delivery of current === undefined ? queue : [current, ...queue]) {
        if (delivery.consumerCreated === created) delivery.message.working();
      }
    },
    async stop() {
      stopping = true;
      deadline = performance.now() + stopTimeoutMs;
      bell.ring();
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([worker, new Promise((resolve) => (timer = setTimeout(resolve, stopTimeoutMs)))]);
      clearTimeout(timer);
      const created = verified();
      for (const { message, consumerCreated } of queue.splice(0)) if (consumerCreated === created) message.nak();
    },
  };
}

function parse(message: JsMsg): unknown {
  try {
    return message.json();
  } catch (cause) {
    throw new MalformedPayload('the payload is not JSON', { cause });
  }
}
