import { issuerOf, parseJwks, type PublicJwk } from './keys.js';

/** Public keys that come and go, besides those that are trusted for good. They speak for users alone. */
export interface KeySource {
  /** The key of this id, undefined when there is none such, or none any more. */
  find(kid: string): Promise<PublicJwk | undefined>;
}

/** How old the keys may be that a token is judged by. */
const maxAgeMs = 60_000;
/** Unknown ids ask again no sooner than this, so that forged ones ask for no more. */
const pauseMs = 3_000;
const timeoutMs = 2_000;
const maxBytes = 65_536;

/** What a test replaces. */
export interface RemoteKeysOptions {
  /** Answers the key set's text; throws when it can't be had. */
  readonly read?: () => Promise<string>;
  readonly nowMs?: () => number;
}

/**
 * Keys of one issuer, from a key set at a URL. It is read again when it is a minute old and when an id is not known, once in
 * three seconds at most. While it can't be read, the keys that are known go on being trusted.
 */
export function createRemoteKeys(
  url: string,
  issuer: string,
  { read = () => readKeySet(url), nowMs = () => performance.now() }: RemoteKeysOptions = {},
): KeySource {
  let keys = new Map<string, PublicJwk>();
  let readAt = -Infinity;
  let askedAt = -Infinity;
  let reading: Promise<void> | undefined;
  const refresh = async () => {
    try {
      const found = parseJwks(await read()).keys.filter(
        ({ kid, kty, crv }) => issuerOf(kid) === issuer && kty === 'OKP' && crv === 'Ed25519',
      );
      keys = new Map(found.map((key) => [key.kid, key]));
      readAt = nowMs();
    } catch {
      // The keys that are known stay; the next token that asks for another tries again.
    }
  };
  const ask = async () => {
    if (reading === undefined) {
      if (nowMs() - askedAt < pauseMs) return;
      askedAt = nowMs();
      reading = refresh().finally(() => {
        reading = undefined;
      });
    }
    await reading;
  };
  return {
    find: async (kid) => {
      if (issuerOf(kid) !== issuer) return undefined;
      if (!keys.has(kid) || nowMs() - readAt > maxAgeMs) await ask();
      return keys.get(kid);
    },
  };
}

async function readKeySet(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok || response.body === null) throw new Error(`the key set was answered with ${String(response.status)}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > maxBytes) throw new Error('the key set is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
