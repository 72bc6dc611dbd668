import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose';
import { FairleadError } from '@fairlead/contracts';

export interface IssuerKeysOptions {
  /** Names itself so in its tokens and in its configuration. */
  readonly issuer: string;
  /** Where its keys are; its configuration (OpenID Connect Discovery) tells without it. */
  readonly jwksUrl?: string;
  /** Answers the text at a URL; throws when it can't be had. */
  readonly read: (url: string) => Promise<string>;
  /** What a test replaces. */
  readonly nowMs?: () => number;
}

/** How old the keys may be that a token is judged by: a key that the issuer takes back is trusted no longer than this. */
const maxAgeMs = 60_000;
/** How long keys are trusted that can't be read again, as while the issuer is down. */
const maxStaleMs = 3_600_000;
/** Nothing is asked again sooner than this, whatever tokens name and whether or not it answered. */
const pauseMs = 3_000;
const maxKeys = 50;

/**
 * The keys of an external issuer, for jose. They are read again when they are a minute old and when a token names one that is not
 * known, once in three seconds at most, so that forged tokens ask for no more. A key has to be named by its id, which no other has.
 * Throws `service_unreachable` when the keys can't be had, and jose's errors for a key that there is not.
 */
export function createIssuerKeys({ issuer, jwksUrl, read, nowMs = () => performance.now() }: IssuerKeysOptions): JWTVerifyGetKey {
  let known: { ids: ReadonlySet<string>; find: JWTVerifyGetKey } | undefined;
  let readAt = -Infinity;
  let askedAt = -Infinity;
  let reading: Promise<void> | undefined;
  const refresh = async () => {
    const url = jwksUrl ?? keysUrlOf(issuer, await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
    const keys = publicKeysOf(await read(url));
    known = { ids: new Set(keys.map(({ kid }) => kid)), find: createLocalJWKSet({ keys }) };
    readAt = nowMs();
  };
  const ask = async () => {
    if (reading === undefined) {
      if (nowMs() - askedAt < pauseMs) return;
      askedAt = nowMs();
      reading = refresh()
        .catch(() => undefined) // The keys that are known stay for a while; a later token tries again.
        .finally(() => {
          reading = undefined;
        });
    }
    await reading;
  };
  return async (header, token) => {
    const { kid } = header;
    if (typeof kid !== 'string' || kid === '') throw new Error('the token names no key');
    if (known?.ids.has(kid) !== true || nowMs() - readAt > maxAgeMs) await ask();
    if (known === undefined || nowMs() - readAt > maxStaleMs)
      throw new FairleadError('service_unreachable', 'The keys of the issuer of the access token can’t be read at the moment');
    return known.find(header, token);
  };
}

/** Where an issuer says that its keys are; throws when what answered calls itself otherwise. */
function keysUrlOf(issuer: string, text: string): string {
  const found = JSON.parse(text) as { issuer?: unknown; jwks_uri?: unknown } | null;
  if (found?.issuer !== issuer) throw new Error('the configuration is another issuer’s');
  if (typeof found.jwks_uri !== 'string') throw new Error('the configuration names no keys');
  return found.jwks_uri;
}

/** The keys of a set that may be meant to verify signatures: public ones, each with an id of its own. */
function publicKeysOf(text: string): (JWK & { kid: string })[] {
  const { keys } = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length > maxKeys) throw new Error('not a key set');
  const usable = (keys as (JWK | null)[]).filter(
    (key): key is JWK & { kid: string } =>
      typeof key?.kid === 'string' && ['RSA', 'EC', 'OKP'].includes(key.kty ?? '') && key.d === undefined && key.use !== 'enc',
  );
  return usable.filter(({ kid }) => usable.filter((other) => other.kid === kid).length === 1);
}
