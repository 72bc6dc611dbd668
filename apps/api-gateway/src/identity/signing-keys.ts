import { describeError, FairleadError } from '@fairlead/contracts';
import {
  createTokenSigner,
  generateSigningKey,
  parsePrivateJwk,
  requirePermission,
  type KeySource,
  type Principal,
  type PrivateJwk,
  type PublicJwk,
  type TokenSigner,
} from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import type { ReadinessCheck } from '@fairlead/service-runtime';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { isRotationDue, isTrusted, leadLeftMs, stateOf, type KeyTimes, type RotationRule } from '../domain/signing-keys.js';
import { dropOldKeys, insertKey, lockKeys, readKeys, retireKey, useKey, type StoredKey } from '../store/signing-keys.js';
import { presentCaller } from './callers.js';
import type { Sealer } from './sealing.js';

export interface SigningKeyDeps {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly rule: RotationRule;
  readonly logger: Logger;
  /** Signs while no key has been published long enough. */
  readonly fallback: Pick<TokenSigner, 'signUser'>;
}

/** The keys that users' access tokens are signed with, the same for all gateways: they are rows, and every gateway reads them. */
export interface SigningKeys extends KeySource, Pick<TokenSigner, 'signUser'> {
  /** The public halves of the keys that are trusted, also of the one that is used next. */
  trusted(): PublicJwk[];
  /** All that are stored, the newest first. */
  list(): Promise<KeyTimes[]>;
  /**
   * Uses the next key from now on and records why; answers it and the event's position. Throws `rate_limited` when the next key
   * was published so lately that not every verifier may know it, and `permission_denied` when the caller may not any more.
   */
  rotate(caller: Principal, reason: string): Promise<{ key: KeyTimes; position: number }>;
  readonly check: ReadinessCheck;
  stop(): Promise<void>;
}

interface OpenKey extends KeyTimes {
  readonly jwk: PublicJwk | PrivateJwk;
}

/** How often the keys are read, at the least; a verifier that asks just before a reading asks again before the next key is used. */
const maxPollMs = 5_000;
/** What was read longer ago is read again before it is signed with: overlaps are longer than this by far. */
const maxAgeMs = 20_000;
/** Unknown ids make the keys be read again no sooner than this. */
const unknownPauseMs = 1_000;

/** Keeps the signing keys: reads them, publishes the next one, and rotates them when it is time. Never throws; not ready until they are read. */
export async function keepSigningKeys(deps: SigningKeyDeps): Promise<SigningKeys> {
  const { database, sealer, rule, logger } = deps;
  const ring = createRing(deps);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const tick = async () => {
    try {
      await ring.read();
      if (isNewKeyDue(ring.keys(), ring.nowMs(), rule)) {
        await runInContext(newContext({ principal: 'service:api-gateway' }), () => keepUp(database, sealer, rule));
        await ring.read();
      }
    } catch (error) {
      logger.warn({ reason: describeError(error) }, 'the signing keys could not be seen to');
    }
    if (!stopped)
      timer = setTimeout(
        () => {
          running = tick();
        },
        Math.min(maxPollMs, rule.leadMs / 3),
      );
  };
  await tick();
  return {
    find: ring.find,
    signUser: ring.signUser,
    trusted: () => ring.trusted().map(({ jwk }) => publicHalf(jwk)),
    list: async () => (await readKeys(database)).keys,
    rotate: async (caller, reason) => {
      const done = await database.transaction(async (tx) => {
        await lockKeys(tx);
        requirePermission(await presentCaller(tx, caller), 'identity.manage');
        const { keys, nowMs } = await readKeys(tx);
        refuseEarly(leadLeftMs(keys, nowMs, rule));
        const position = await rotateIn(tx, sealer, { keys, rule, cause: 'command', reason });
        const key = (await readKeys(tx)).keys.find((one) => stateOf(one) === 'current');
        if (key === undefined) throw new Error('no signing key is in use');
        return { key, position };
      });
      // This gateway signs with it at once; the others within their next reading.
      await ring.read().catch(() => undefined);
      return done;
    },
    check: { name: 'signing_keys', required: true, check: () => Promise.resolve(ring.problem()) },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** What one gateway knows of the keys. */
function createRing({ database, sealer, fallback }: SigningKeyDeps) {
  let known: readonly OpenKey[] | undefined;
  let unreadable = 0;
  let clock = { databaseMs: 0, ownMs: -Infinity };
  let unknownAskedMs = -Infinity;
  let reading: Promise<void> | undefined;
  const signers = new Map<string, Promise<TokenSigner>>();
  const nowMs = () => clock.databaseMs + (performance.now() - clock.ownMs);
  const load = async () => {
    const ownMs = performance.now();
    const { keys, nowMs: databaseMs } = await readKeys(database);
    const open = keys.map((key) => openKey(sealer, key)).filter((key) => key !== undefined);
    unreadable = keys.filter((key) => isTrusted(key, databaseMs)).length - open.filter((key) => isTrusted(key, databaseMs)).length;
    known = open;
    clock = { databaseMs, ownMs };
    for (const kid of signers.keys()) if (!open.some((key) => key.kid === kid)) signers.delete(kid);
  };
  const read = () => {
    reading ??= load().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const trusted = () => (known ?? []).filter((key) => isTrusted(key, nowMs()));
  const signerOf = (privateJwk: PrivateJwk) => {
    const signer = signers.get(privateJwk.kid) ?? createTokenSigner({ privateJwk });
    signers.set(privateJwk.kid, signer);
    return signer;
  };
  return {
    read,
    nowMs,
    trusted,
    keys: () => known ?? [],
    problem: () => {
      if (known === undefined) return 'not read yet';
      return unreadable > 0 ? 'a key was sealed with another IDENTITY_KEY than the gateway has now' : undefined;
    },
    find: async (kid: string) => {
      const found = () => trusted().find((key) => key.kid === kid);
      if (found() === undefined && performance.now() - unknownAskedMs >= unknownPauseMs) {
        unknownAskedMs = performance.now();
        await read().catch(() => undefined);
      }
      const key = found();
      return key === undefined ? undefined : publicHalf(key.jwk);
    },
    signUser: async (...given: Parameters<TokenSigner['signUser']>) => {
      if (performance.now() - clock.ownMs > maxAgeMs) await read();
      if (unreadable > 0) throw new FairleadError('unavailable', 'The signing keys were stored with another key than the gateway has now');
      const current = known?.find((key) => stateOf(key) === 'current');
      if (current === undefined) return fallback.signUser(...given);
      return (await signerOf(current.jwk as PrivateJwk)).signUser(...given);
    },
  };
}

/** True when something about the keys has to be written. */
function isNewKeyDue(keys: readonly KeyTimes[], nowMs: number, rule: RotationRule): boolean {
  return leadLeftMs(keys, nowMs, rule) === undefined || isRotationDue(keys, nowMs, rule);
}

/** Publishes a next key where there is none, and rotates when it is time; of several gateways the first one does. */
async function keepUp(database: Database, sealer: Sealer, rule: RotationRule): Promise<void> {
  await database.transaction(async (tx) => {
    await lockKeys(tx);
    const { keys, nowMs } = await readKeys(tx);
    if (isRotationDue(keys, nowMs, rule)) {
      const cause = keys.some((key) => stateOf(key) === 'current') ? 'age' : 'first';
      await rotateIn(tx, sealer, { keys, rule, cause });
    } else if (leadLeftMs(keys, nowMs, rule) === undefined) await appendInTransaction(tx, { events: [await publish(tx, sealer)] });
  });
}

/** Uses the next key in place of the current one, and publishes another; answers the position of the event that says so. */
async function rotateIn(
  tx: Transaction,
  sealer: Sealer,
  { keys, rule, cause, reason }: { keys: readonly StoredKey[]; rule: RotationRule; cause: 'first' | 'age' | 'command'; reason?: string },
): Promise<number> {
  const [next, current] = [keys.find((key) => stateOf(key) === 'next'), keys.find((key) => stateOf(key) === 'current')];
  if (next === undefined) throw new Error('no next signing key');
  const previous: { previous?: string; previous_until?: string } = {};
  if (current !== undefined) {
    const open = openKey(sealer, current);
    if (open === undefined)
      throw new FairleadError('unavailable', 'The signing keys were stored with another key than the gateway has now');
    const sealedPublicJwk = seal(sealer, publicHalf(open.jwk));
    const until = await retireKey(tx, { kid: current.kid, sealedPublicJwk, overlapMs: rule.overlapMs });
    Object.assign(previous, { previous: current.kid, previous_until: until.toISOString() });
  }
  await useKey(tx, next.kid);
  await dropOldKeys(tx);
  const rotated: NewEvent = {
    ...{ aggregateType: 'signing_key', aggregateId: next.kid, type: 'signing_key_rotated' },
    payload: { kid: next.kid, ...previous, cause },
    ...(reason === undefined ? {} : { meta: { reason } }),
  };
  return (await appendInTransaction(tx, { events: [await publish(tx, sealer), rotated] })).lastPosition;
}

async function publish(tx: Transaction, sealer: Sealer): Promise<NewEvent> {
  const { privateJwk } = await generateSigningKey('api-gateway');
  const { kid } = privateJwk;
  await insertKey(tx, { kid, sealedJwk: seal(sealer, privateJwk) });
  return { aggregateType: 'signing_key', aggregateId: kid, type: 'signing_key_published', payload: { kid } };
}

function refuseEarly(leftMs: number | undefined): void {
  if (leftMs === 0) return;
  const seconds = Math.ceil((leftMs ?? 1_000) / 1_000);
  throw new FairleadError('rate_limited', `The next key was published just now; it can be used in ${String(seconds)} s`, {
    details: { retry_after_seconds: seconds },
  });
}

function seal(sealer: Sealer, jwk: PublicJwk | PrivateJwk): Buffer {
  return sealer.seal(jwk.kid, Buffer.from(JSON.stringify(jwk)));
}

/** A key as it was sealed; undefined when it was sealed with another key, or is not what its row says. */
function openKey(sealer: Sealer, { sealedJwk, ...times }: StoredKey): OpenKey | undefined {
  const text = sealer.open(times.kid, sealedJwk)?.toString('utf8');
  if (text === undefined) return undefined;
  const jwk = stateOf(times) === 'previous' ? (JSON.parse(text) as PublicJwk) : parsePrivateJwk(text);
  return { ...times, jwk };
}

function publicHalf({ kty, crv, x, kid, alg, use }: PublicJwk | PrivateJwk): PublicJwk {
  return { kty, crv, x, kid, alg, use };
}
