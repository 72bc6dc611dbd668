import type { TokenSigner } from '@fairlead/auth';
import type { Appender } from '@fairlead/event-log';
import type { Database, Idempotency } from '@fairlead/postgres';
import type { LoginLimits } from '../domain/login-limits.js';
import type { Throttle } from '../domain/throttle.js';
import type { Iam } from '../iam/iam.js';
import type { Elsewhere } from './elsewhere.js';
import type { Passwords } from './passwords.js';
import type { RefusedSignIns } from './refused-sign-ins.js';
import type { Sealer } from './sealing.js';

/** What the functions of this folder work with; each asks for its part of it. */
export interface Identity {
  readonly database: Database;
  /** What does a request once. */
  readonly idempotency: Idempotency;
  readonly appender: Appender;
  readonly signer: TokenSigner;
  readonly passwords: Passwords;
  readonly loginLimits: LoginLimits;
  /** Records refusals of people who are nobody here. */
  readonly refusedSignIns: RefusedSignIns;
  /** Of callers who are known: how often they may be wrong about their password, and about a code. */
  readonly throttle: Throttle;
  readonly codeThrottle: Throttle;
  /** Keeps the secrets of second factors; undefined without a key, and then nobody can set one up. */
  readonly sealer: Sealer | undefined;
  readonly tokenTtlSeconds: number;
  readonly firstAdminFile: string | undefined;
  /** Where browsers reach the gateway, when that is not its own address. */
  readonly publicUrl: string | undefined;
  /** Where people get their access tokens instead of here; undefined where that is here. */
  readonly elsewhere: Elsewhere | undefined;
  /** What keeps users, sessions and roles in place of this control plane; undefined where that is here. */
  readonly iam: Iam | undefined;
}

/** Under this Nest hands it to controllers. */
export const identity = Symbol('identity');
