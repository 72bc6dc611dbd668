import { Counter, Gauge, type Registry } from 'prom-client';

/** What messaging reports about itself. */
export interface MessagingMetrics {
  connected(up: boolean): void;
  count(what: 'consumed' | 'failed' | 'dead_lettered', consumer: string): void;
}

/** Metrics in the service's registry; without one, nothing is reported. */
export function createMessagingMetrics(registry: Registry | undefined): MessagingMetrics {
  if (registry === undefined) return { connected: () => undefined, count: () => undefined };
  const registers = [registry];
  const connected = new Gauge({ name: 'fairlead_nats_connected', help: '1 while the service is connected to NATS.', registers });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['consumer'], registers });
  const counters = {
    consumed: counter('fairlead_messages_consumed_total', 'Messages handled and acknowledged.'),
    failed: counter('fairlead_messages_failed_total', 'Attempts to handle a message that failed.'),
    dead_lettered: counter('fairlead_messages_dead_lettered_total', 'Messages given up on and moved to the dead-letter stream.'),
  };
  connected.set(0);
  return {
    connected: (up) => {
      connected.set(up ? 1 : 0);
    },
    count: (what, consumer) => {
      counters[what].inc({ consumer });
    },
  };
}
