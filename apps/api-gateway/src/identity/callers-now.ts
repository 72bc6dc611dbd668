/** What callers may do now, though their access token was signed minutes ago. */
import { FairleadError } from '@fairlead/contracts';
import { common, granted, grantsByPath, sameGrants, type Principal, type TokenSigner, type TokenVerifier } from '@fairlead/auth';
import type { Database } from '@fairlead/postgres';
import { grantsOfHeld, platformRoles } from '../domain/held-roles.js';
import { callerNow } from '../store/callers.js';
import { ended, originOf } from './callers.js';

/** A caller, and the access token that says what they may do. */
export interface SignedCaller {
  readonly principal: Principal;
  readonly bearer: string;
}

/** How long reads go by what a caller could do when they were last looked at, */
const recentMs = 1_000;
/** and how long they wait to know it better. */
const patienceMs = 500;

/** Answers a caller as they are now. */
export type CallersNow = (signed: SignedCaller, how: { strict: boolean }) => Promise<SignedCaller>;

/**
 * Makes what answers callers as they are now, with a new access token where theirs says something else. A strict answer is the database's of
 * this moment; any other may be a second old, and is what the token says while the database does not answer. Both throw `unauthenticated`
 * for a user who is disabled, or whose session or API token has ended. Callers without either behind their token are what it says.
 */
export function callersNow(deps: { database: Database; signer: TokenSigner; verifier: TokenVerifier }): CallersNow {
  // The verifier answers the same principal for the same token: what is known of it goes when the token does.
  const looked = new WeakMap<Principal, { at: number; answer: Promise<SignedCaller>; before: SignedCaller }>();
  const recent = (signed: SignedCaller) => {
    const { principal } = signed;
    const last = looked.get(principal);
    if (last !== undefined && performance.now() - last.at < recentMs) return last;
    const look = { at: performance.now(), answer: lookAt(deps, signed), before: signed };
    looked.set(principal, look);
    look.answer.then((now) => looked.get(principal) === look && looked.set(principal, { ...look, before: now })).catch(() => undefined);
    return { ...look, before: last?.before ?? signed };
  };
  return async (signed, { strict }) => {
    const { sessionId, apiTokenId } = signed.principal;
    if (sessionId === undefined && apiTokenId === undefined) return signed;
    if (strict) return lookAt(deps, signed);
    const { answer, before } = recent(signed);
    return orBefore(answer, before);
  };
}

async function lookAt({ database, signer, verifier }: Parameters<typeof callersNow>[0], signed: SignedCaller): Promise<SignedCaller> {
  const { principal } = signed;
  const now = await callerNow(database, originOf(principal));
  if (now === undefined) throw ended();
  const held = grantsOfHeld(now.held);
  // An API token gives no more than it was made for.
  const grants = principal.apiTokenId === undefined ? held : common(grantsByPath(principal), held);
  if (sameGrants(granted(grants), principal)) return signed;
  const { userId, sessionId, apiTokenId } = originOf(principal);
  const roles = apiTokenId === undefined ? platformRoles(now.held) : [];
  const seconds = Math.max(1, Math.ceil((principal.expiresAtMs - Date.now()) / 1_000));
  const bearer = await signer.signUser({ userId, email: now.email, roles, grants, sessionId, apiTokenId, scope: principal.scope }, seconds);
  return { principal: await verifier.verify(bearer), bearer };
}

/** The answer, or what was known before when it can't be had soon: reading goes on without the database. */
async function orBefore(answer: Promise<SignedCaller>, before: SignedCaller): Promise<SignedCaller> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<SignedCaller>((resolve) => {
    timer = setTimeout(() => {
      resolve(before);
    }, patienceMs);
  });
  try {
    return await Promise.race([answer, patience]);
  } catch (error) {
    if (error instanceof FairleadError && error.code === 'unauthenticated') throw error;
    return before;
  } finally {
    clearTimeout(timer);
  }
}
