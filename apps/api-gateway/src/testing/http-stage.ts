import { testDatabase, testMessaging } from '@fairlead/testing';
import { migrations } from '../index.js';
import { startGateway, type TestGateway } from './gateway.js';

/** For specs of the API's resources: a gateway before scripted services, with a caller of each role. */
export interface HttpStage {
  readonly gateway: TestGateway;
  /** Access tokens. */
  readonly viewer: string;
  readonly operator: string;
  readonly admin: string;
  /** Forgets what the services were asked and what they answer. */
  reset(): void;
  stop(): Promise<void>;
}

/** Starts a stage on a database and a NATS of its own; the caller stops it. */
export async function startHttpStage(): Promise<HttpStage> {
  const [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  const gateway = await startGateway({ database, nats });
  const [viewer, operator, admin] = await Promise.all([gateway.token('viewer'), gateway.token('operator'), gateway.token('admin')]);
  return {
    gateway,
    viewer,
    operator,
    admin,
    reset: () => {
      gateway.peers.calls.length = 0;
      gateway.peers.answers = {};
    },
    stop: async () => {
      await gateway.stop();
      await Promise.all([database.drop(), nats.close()]);
    },
  };
}
