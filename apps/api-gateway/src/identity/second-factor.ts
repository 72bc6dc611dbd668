import { randomBytes } from 'node:crypto';
import { FairleadError } from '@fairlead/contracts';
import type { NewEvent } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { readCode, recoveryCode, stepOfCode } from '../domain/totp.js';
import { findTotp, useRecoveryCode, useStep, type Totp } from '../store/totp.js';
import { hashOfSecret } from './secrets.js';
import type { Sealer } from './sealing.js';

const recoveryCodes = 10;
/** 80 bits: nobody guesses one, so that a fast hash keeps it safe. */
const recoveryCodeBytes = 10;

/** What shows that a user has their second factor; it holds once, when it is used up in the transaction that it is given for. */
export type Proof =
  { readonly kind: 'totp'; readonly totp: Totp; readonly step: number } | { readonly kind: 'recovery'; readonly code: string };

/** What a user's second factor says to a code: they have none, it is asked for, the code is wrong, or it may be right. */
export type Verdict = 'none' | 'required' | 'wrong' | Proof;

/** Judges what a user gave as second factor, and uses nothing up. Throws `unavailable` when this gateway can't read their secret. */
export async function judgeCode(
  deps: { readonly database: Sql; readonly sealer: Sealer | undefined },
  userId: string,
  typed: string | undefined,
): Promise<Verdict> {
  const totp = await findTotp(deps.database, userId);
  if (totp?.confirmedAt == null) return 'none';
  if (typed === undefined) return 'required';
  const { kind, code } = readCode(typed);
  if (kind === 'recovery') return { kind, code };
  const step = stepOfCode(openSecret(deps.sealer, totp), code, Date.now());
  return step === undefined ? 'wrong' : { kind, totp, step };
}

/**
 * Uses a proof up. Answers the event that tells of it, none for a code of the app; undefined when it does not hold, since
 * the step or the code was used already, or there was none such. Undefined too without a proof, for a user who needs one by now.
 */
export async function useProof(
  tx: Sql,
  user: { userId: string; email: string },
  proof: Proof | undefined,
): Promise<NewEvent[] | undefined> {
  const { userId, email } = user;
  if (proof === undefined) return (await findTotp(tx, userId))?.confirmedAt == null ? [] : undefined;
  if (proof.kind === 'totp') return (await useStep(tx, proof.totp, proof.step)) ? [] : undefined;
  const left = await useRecoveryCode(tx, userId, hashOfSecret(proof.code));
  if (left === undefined) return undefined;
  return [{ aggregateType: 'user', aggregateId: userId, type: 'recovery_code_used', payload: { email, left } }];
}

/** The secret of a second factor. Throws `unavailable` without the key that it was sealed with. */
export function openSecret(sealer: Sealer | undefined, { userId, sealedSecret }: Totp): Buffer {
  const secret = mustSeal(sealer).open(userId, sealedSecret);
  if (secret === undefined)
    throw new FairleadError('unavailable', 'The second factor was stored with another key than the gateway has now');
  return secret;
}

/** The sealer; throws `unavailable` when the gateway was given no key. */
export function mustSeal(sealer: Sealer | undefined): Sealer {
  if (sealer === undefined) throw new FairleadError('unavailable', 'The gateway has no key for second factors (IDENTITY_KEY_FILE)');
  return sealer;
}

/** Makes recovery codes: as they are shown once, and their hashes. */
export function newRecoveryCodes(): { shown: string[]; hashes: Buffer[] } {
  const shown = Array.from({ length: recoveryCodes }, () => recoveryCode(randomBytes(recoveryCodeBytes)));
  return { shown, hashes: shown.map((code) => hashOfSecret(readCode(code).code)) };
}
