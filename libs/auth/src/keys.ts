import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** A private Ed25519 key as JWK; `kid` is `<issuer>.<thumbprint part>`. */
export type PrivateJwk = JWK & { kid: string; d: string };
export type PublicJwk = JWK & { kid: string };
/** A JSON Web Key Set: the public keys that are trusted, each bound to the issuer its kid names. */
export interface Jwks {
  keys: PublicJwk[];
}

/** Makes an Ed25519 signing key for an issuer: the gateway or another service. */
export async function generateSigningKey(issuer: string): Promise<{ privateJwk: PrivateJwk; publicJwk: PublicJwk }> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const [priv, pub] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)]);
  const kid = `${issuer}.${(pub.x ?? '').slice(0, 12)}`;
  return {
    privateJwk: { ...priv, d: priv.d ?? '', kid, alg: 'EdDSA', use: 'sig' },
    publicJwk: { ...pub, kid, alg: 'EdDSA', use: 'sig' },
  };
}

/** The issuer a key may sign for. */
export function issuerOf(kid: string): string {
  return kid.slice(0, kid.indexOf('.'));
}

/** Reads a private key's JSON; throws when it is not one. */
export function parsePrivateJwk(json: string): PrivateJwk {
  const jwk = parseObject(json, 'a private JWK');
  if (jwk['kty'] !== 'OKP' || typeof jwk['d'] !== 'string' || typeof jwk['kid'] !== 'string')
    throw new Error('not a private Ed25519 JWK with a kid');
  return jwk as unknown as PrivateJwk;
}

/** Reads a key set's JSON; throws when it is not one, or holds a private key. */
export function parseJwks(json: string): Jwks {
  const { keys } = parseObject(json, 'a key set');
  if (!Array.isArray(keys)) throw new Error('not a JSON Web Key Set');
  for (const key of keys as Record<string, unknown>[]) {
    if (typeof key['kid'] !== 'string' || !key['kid'].includes('.')) throw new Error('a key of the set has no kid of the form issuer.id');
    if ('d' in key) throw new Error('the key set holds a private key');
  }
  return { keys: keys as PublicJwk[] };
}

function parseObject(json: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The parser's message would quote the content, which may be a key.
  }
  throw new Error(`not ${what} in JSON`);
}
