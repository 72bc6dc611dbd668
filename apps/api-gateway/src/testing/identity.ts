import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '@fairlead/contracts';
import { readLog, type StoredEvent } from '@fairlead/event-log';
import { testDatabase, testFolder, testMessaging, type TestDatabase } from '@fairlead/testing';
import { newSecret } from '../identity/secrets.js';
import { migrations, type Overrides } from '../index.js';
import { startGateway, type Answer, type TestGateway } from './gateway.js';

export interface TestUser {
  readonly id: string;
  readonly email: string;
}

/** What whoever logged in holds. */
export interface Held {
  readonly token: string;
  /** As a browser sends it. */
  readonly cookie: string;
  readonly id: string;
  readonly secret: string;
}

/** For specs: a gateway with a first admin, and a way to make users and to log in as them. */
export interface IdentityStage {
  readonly database: TestDatabase;
  readonly gateway: TestGateway;
  /** The first admin's access token. */
  readonly admin: string;
  newUser(...roles: Role[]): Promise<TestUser>;
  change(user: TestUser, change: { roles?: Role[]; disabled?: boolean }): Promise<void>;
  login(user: TestUser, headers?: Record<string, string>): Promise<Held>;
  /** What the event log holds about a user of one type. */
  events(user: TestUser, type: string): Promise<StoredEvent[]>;
  /** All that the log lines and the event log say. */
  told(): Promise<string>;
  stop(): Promise<void>;
}

/** The password of every user a stage makes. */
export const password = 'correct horse battery';

/** Starts a stage; the caller stops it. */
export async function startIdentityStage(env: Record<string, string> = {}, overrides: Overrides = {}): Promise<IdentityStage> {
  const [database, nats] = await Promise.all([testDatabase({ service: 'api-gateway', migrations }), testMessaging()]);
  const file = join(testFolder('identity'), 'first-admin.json');
  const own = { FIRST_ADMIN_FILE: file, GRPC_PORT: '0', IDENTITY_KEY: newSecret() };
  const gateway = await startGateway({ database, nats }, { ...own, ...env }, overrides);
  const logIn = (body: unknown, headers?: Record<string, string>) => gateway.call('POST', '/admin/v1/auth/login', { body, headers });
  const { token: admin } = heldOf(await logIn(JSON.parse(readFileSync(file, 'utf8'))));
  let made = 0;
  const log = () => readLog(database.db, { after: 0, limit: 1_000 });
  return {
    database,
    gateway,
    admin,
    newUser: async (...roles) => {
      const email = `user-${++made}@example.com`;
      const created = await gateway.call('POST', '/admin/v1/users', { token: admin, body: { email, password, roles } });
      return { id: String(created.body['user_id']), email };
    },
    change: async ({ id }, body) => {
      const { status } = await gateway.call('PATCH', `/admin/v1/users/${id}`, { token: admin, body });
      if (status !== 200) throw new Error(`the change was answered with ${status}`);
    },
    login: async ({ email }, headers) => heldOf(await logIn({ email, password }, headers)),
    events: async ({ id }, type) => (await log()).filter((event) => event.type === type && event.aggregateId === id),
    told: async () => gateway.lines.join('') + JSON.stringify(await log()),
    stop: async () => {
      await gateway.stop();
      await Promise.all([database.drop(), nats.close()]);
    },
  };
}

function heldOf(answer: Answer): Held {
  const [cookie = '', id = '', secret = ''] = /^fairlead_session=([^.;]+)\.([^;]+)/.exec(answer.headers.get('set-cookie') ?? '') ?? [];
  if (answer.status !== 200 || secret === '') throw new Error(`the login was answered with ${answer.status}`);
  return { token: String(answer.body['access_token']), cookie, id, secret };
}
