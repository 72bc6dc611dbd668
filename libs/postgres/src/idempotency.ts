/** Requests that are done once, however often they are sent: by their caller's Idempotency-Key. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { QueryRunner } from 'typeorm';
import { describeError, FairleadError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import type { Database, Transaction } from './database.js';

/** A request that must be done once. */
export interface KeyedRequest {
  /** Whose key it is: a principal's. */
  readonly scope: string;
  /** An empty one is none: nothing is kept of the request. */
  readonly key: string;
  /** All that was asked for: the same text is the same request. */
  readonly request: string;
}

/** Does what is asked for once for each key. */
export interface Idempotency {
  /**
   * Runs the work in one transaction with the key's row, and answers what it answers, which must be JSON. The same key and request
   * are answered the same without doing it again, for 24 hours, also when two come at once; work that throws leaves the key unused. Throws
   * `idempotency_key_reused` for another request.
   */
  once<Answer>(keyed: KeyedRequest, work: (tx: Transaction) => Promise<Answer>): Promise<Answer>;
  /** Removes what is older than that; done every ten minutes by itself. Answers how many. */
  clean(): Promise<number>;
  stop(this: void): void;
}

/** A call of a service whose request tells its key. */
export function keyedCall(method: string, request: { readonly idempotencyKey: string }, scope: string): KeyedRequest {
  const { idempotencyKey: key, ...asked } = request;
  return { scope, key, request: JSON.stringify([method, asked]) };
}

/** Runs a transaction and makes the answer of what it resolves with. */
export type Answering<Result, Answer> = (work: (tx: Transaction) => Promise<Result>) => Promise<Answer>;

/** Answers a request with a key: repeats are given the answer that was made the first time. */
export function answeringOnce<Result, Answer>(
  { idempotency }: { readonly idempotency: Idempotency },
  keyed: KeyedRequest,
  answerOf: (result: Result) => Answer,
): Answering<Result, Answer> {
  return (work) => idempotency.once(keyed, async (tx) => answerOf(await work(tx)));
}

export interface IdempotencyOptions {
  readonly database: Database;
  readonly logger: Logger;
  /** Goes into what keys are stored and answers are sealed under, so that the database alone does not let anybody try keys. */
  readonly secret?: Buffer;
}

const tooOld = `created_at < now() - interval '24 hours'`;
const cleanEveryMs = 10 * 60_000;

/** Creates the table that `createIdempotency` keeps its keys in, in a service's own migration. */
export async function createIdempotencyTable(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    create table idempotency_key (
      scope text not null,
      key_hash bytea not null,
      request_hash bytea not null,
      answer bytea,
      created_at timestamptz not null default now(),
      primary key (scope, key_hash)
    )`);
  await queryRunner.query('create index idempotency_key_by_age on idempotency_key (created_at)');
}

/** Makes what does things once; the service stops it. */
export function createIdempotency({ database, logger, secret }: IdempotencyOptions): Idempotency {
  const clean = async () => {
    const [gone] = await database.query<{ keys: number }>(
      `with gone as (delete from idempotency_key where ${tooOld} returning 1) select count(*) as keys from gone`,
    );
    return gone?.keys ?? 0;
  };
  const timer = setInterval(() => {
    clean().catch((error: unknown) => {
      logger.warn({ reason: describeError(error) }, 'old idempotency keys could not be removed; it is tried again');
    });
  }, cleanEveryMs).unref();
  return {
    once: (keyed, work) => database.transaction((tx) => (keyed.key === '' ? work(tx) : onceIn(tx, keyed, keysOf(keyed, secret), work))),
    clean,
    stop: () => {
      clearInterval(timer);
    },
  };
}

async function onceIn<Answer>(
  tx: Transaction,
  { scope, request }: KeyedRequest,
  keys: Keys,
  work: (tx: Transaction) => Promise<Answer>,
): Promise<Answer> {
  const requestHash = createHmac('sha256', keys.request).update(request).digest();
  // Whoever comes second waits here until the first has committed, or failed.
  const claimed = await tx.query(
    `insert into idempotency_key (scope, key_hash, request_hash) values ($1, $2, $3)
     on conflict (scope, key_hash) do update set request_hash = excluded.request_hash, answer = null, created_at = now()
     where idempotency_key.${tooOld} returning 1`,
    [scope, keys.stored, requestHash],
  );
  if (claimed.length === 0) return answered(tx, scope, keys, requestHash);
  const answer = await work(tx);
  await tx.query('update idempotency_key set answer = $3 where scope = $1 and key_hash = $2', [
    scope,
    keys.stored,
    seal(keys.answer, JSON.stringify(answer)),
  ]);
  return answer;
}

async function answered<Answer>(tx: Transaction, scope: string, keys: Keys, requestHash: Buffer): Promise<Answer> {
  const [earlier] = await tx.query<{ request_hash: Buffer; answer: Buffer }>(
    'select request_hash, answer from idempotency_key where scope = $1 and key_hash = $2',
    [scope, keys.stored],
  );
  if (earlier === undefined) throw new Error('a key that is taken has its row');
  if (!timingSafeEqual(earlier.request_hash, requestHash))
    throw new FairleadError('idempotency_key_reused', 'This idempotency key was used with another request; take a new one for each');
  return JSON.parse(open(keys.answer, earlier.answer)) as Answer;
}

/** What stands for a key, each of no use for the others. */
interface Keys {
  readonly stored: Buffer;
  readonly request: Buffer;
  readonly answer: Buffer;
}

/**
 * Only who has the key learns from its row what was asked and answered: a request may hold a password that a fast hash would give away,
 * and an answer a token that is shown once.
 */
function keysOf({ scope, key }: KeyedRequest, secret: Buffer = Buffer.alloc(0)): Keys {
  const bytes = Buffer.from(hkdfSync('sha256', key, secret, `fairlead idempotency key of ${scope}`, 96));
  return { stored: bytes.subarray(0, 32), request: bytes.subarray(32, 64), answer: bytes.subarray(64) };
}

const cipher = 'aes-256-gcm';
const [nonceBytes, tagBytes] = [12, 16];

function seal(key: Buffer, text: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce);
  const sealed = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()]);
  return Buffer.concat([nonce, sealing.getAuthTag(), sealed]);
}

function open(key: Buffer, sealed: Buffer): string {
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAuthTag(
    sealed.subarray(nonceBytes, nonceBytes + tagBytes),
  );
  return Buffer.concat([opening.update(sealed.subarray(nonceBytes + tagBytes)), opening.final()]).toString('utf8');
}
