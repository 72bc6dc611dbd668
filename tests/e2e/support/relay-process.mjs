// A relay as a process of its own, so that it can be killed: node relay-process.mjs, with the settings in RELAY_SETTINGS.
import { startRelay } from '@fairlead/event-log';
import { connectMessaging } from '@fairlead/messaging';
import { openDatabase } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';

const { database, nats } = JSON.parse(process.env['RELAY_SETTINGS'] ?? '');
const logger = createLogger({ service: 'relay', level: 'fatal' });
const sql = await openDatabase({ ...database, applicationName: 'order-relay', poolSize: 2, logger });
const messaging = await connectMessaging({ ...nats, name: 'relay', logger });
startRelay({ sql, messaging, logger });
