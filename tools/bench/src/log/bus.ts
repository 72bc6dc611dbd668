/** Connections to the NATS server of a run. */
import { connectMessaging, type Messaging } from '@fairlead/messaging';
import { createLogger } from '@fairlead/telemetry';

/** How to reach a NATS server. */
export interface Bus {
  url: string;
  user?: string;
  token?: string;
  namespace: string;
}

/** A server that the bench alone uses. */
export const ownBus = (url: string): Bus => ({ url, namespace: 'bench' });

/** A connection as a service has it, once it is there: until then pokes are dropped. With `readOnly` it makes no stream. */
export async function openBus(bus: Bus, { readOnly = false }: { readOnly?: boolean } = {}): Promise<Messaging> {
  const logger = createLogger({ service: 'bench', level: 'silent' });
  const messaging = await connectMessaging({ ...bus, name: 'bench', logger, makesStreams: !readOnly });
  const connected = Promise.withResolvers<undefined>();
  const forget = messaging.onConnect(() => {
    connected.resolve(undefined);
    return Promise.resolve();
  });
  await connected.promise;
  forget();
  return messaging;
}
