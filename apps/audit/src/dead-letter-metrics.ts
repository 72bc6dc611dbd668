import { Gauge } from 'prom-client';
import type { Messaging } from '@fairlead/messaging';
import type { Registry } from '@fairlead/telemetry';

/** Reports how many dead letters each consumer has, as of the scrape; nothing while NATS does not say. Each replica reports the same. */
export function reportDeadLetters(messaging: Messaging, registry: Registry): void {
  new Gauge({
    name: 'fairlead_dead_letters',
    help: 'Messages that a consumer gave up on and that nobody has replayed or discarded.',
    labelNames: ['consumer'],
    registers: [registry],
    async collect() {
      const counts = await messaging.deadLetters.counts().catch(() => new Map<string, number>());
      this.reset();
      for (const [consumer, count] of counts) this.set({ consumer }, count);
    },
  });
}
