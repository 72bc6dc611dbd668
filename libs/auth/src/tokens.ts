import { createHash } from 'node:crypto';
import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type CryptoKey } from 'jose';
import { FairleadError, roles, serviceGrants, type Role, type ServiceName } from '@fairlead/contracts';
import { issuerOf, type Jwks, type PrivateJwk } from './keys.js';
import { grantsOfRoles, grantsOfService, type Principal, type Scope } from './principal.js';

const audience = 'fairlead';
const userIssuer: ServiceName = 'api-gateway';
const serviceTokenTtlSeconds = 300;

/** Whom an access token speaks for, and what it was given to. */
export interface TokenUser {
  readonly userId: string;
  readonly email: string;
  readonly roles: readonly Role[];
  readonly sessionId?: string;
  readonly apiTokenId?: string;
  readonly scope?: Scope;
}

export interface TokenSigner {
  /** Signs a user's access token; only the gateway's tokens for users are accepted. */
  signUser(user: TokenUser, ttlSeconds: number): Promise<string>;
  /** The service's own token, for calls on its own behalf or for a principal; reused until shortly before it ends. */
  serviceToken(onBehalfOf?: string): Promise<string>;
}

/** Makes a signer from a service's private key; the issuer is the one the key is bound to. */
export async function createTokenSigner({ privateJwk }: { privateJwk: PrivateJwk }): Promise<TokenSigner> {
  const key = (await importJWK(privateJwk, 'EdDSA')) as CryptoKey;
  const issuer = issuerOf(privateJwk.kid);
  const sign = (claims: Record<string, unknown>, subject: string, ttlSeconds: number) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: privateJwk.kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(`${String(ttlSeconds)} seconds`)
      .sign(key);
  const cache = new BoundedCache<{ token: string; renewAtMs: number }>(1_000);
  return {
    // Claims that are undefined are left out.
    signUser: ({ userId, email, roles, sessionId, apiTokenId, scope }, ttlSeconds) =>
      sign({ email, roles, sid: sessionId, api_token: apiTokenId, scope }, `user:${userId}`, ttlSeconds),
    serviceToken: async (onBehalfOf) => {
      const cached = cache.get(onBehalfOf ?? '');
      if (cached !== undefined && cached.renewAtMs > Date.now()) return cached.token;
      const token = await sign(onBehalfOf === undefined ? {} : { obo: onBehalfOf }, `service:${issuer}`, serviceTokenTtlSeconds);
      cache.set(onBehalfOf ?? '', { token, renewAtMs: Date.now() + (serviceTokenTtlSeconds - 60) * 1000 });
      return token;
    },
  };
}

export interface TokenVerifier {
  /** Answers who a token speaks for; throws `unauthenticated` when it is not valid, or no longer. */
  verify(token: string): Promise<Principal>;
}

/**
 * Makes a verifier for a set of trusted keys. A key speaks for the issuer its kid names and for no other: the
 * gateway's for users and itself, any other service's for that service alone.
 */
export function createTokenVerifier({ jwks }: { jwks: Jwks }): TokenVerifier {
  const keySet = createLocalJWKSet(jwks);
  const cache = new BoundedCache<Principal>(5_000);
  return {
    verify: async (token) => {
      const cacheKey = createHash('sha256').update(token).digest('base64');
      const cached = cache.get(cacheKey);
      if (cached !== undefined && cached.expiresAtMs > Date.now()) return cached;
      const principal = await verifyToken(token, keySet);
      cache.set(cacheKey, principal);
      return principal;
    },
  };
}

async function verifyToken(token: string, keySet: ReturnType<typeof createLocalJWKSet>): Promise<Principal> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keySet, {
      algorithms: ['EdDSA'],
      // What else is signed with a service's key, such as anchors of the audit trail, names another type.
      typ: 'JWT',
      audience,
      clockTolerance: 5,
      requiredClaims: ['sub', 'iss', 'exp', 'iat'],
    });
    const issuer = payload.iss ?? '';
    if (issuerOf(protectedHeader.kid ?? '') !== issuer) throw new Error('the key may not sign for this issuer');
    return { ...principalOf(issuer, payload.sub ?? '', payload), expiresAtMs: (payload.exp ?? 0) * 1000 };
  } catch (cause) {
    throw new FairleadError('unauthenticated', 'The access token is not valid or has expired', { cause });
  }
}

function principalOf(issuer: string, subject: string, claims: Record<string, unknown>): Omit<Principal, 'expiresAtMs'> {
  if (subject === `service:${issuer}` && Object.hasOwn(serviceGrants, issuer)) {
    const onBehalfOf = typeof claims['obo'] === 'string' ? claims['obo'] : undefined;
    return { id: subject, name: issuer, kind: 'service', roles: [], grants: grantsOfService(issuer as ServiceName), onBehalfOf };
  }
  if (issuer !== userIssuer || !subject.startsWith('user:')) throw new Error('the issuer may not speak for this subject');
  const names = (Array.isArray(claims['roles']) ? claims['roles'] : []).filter(
    (role): role is Role => typeof role === 'string' && Object.hasOwn(roles, role),
  );
  return {
    id: subject,
    name: typeof claims['email'] === 'string' ? claims['email'] : subject,
    kind: 'user',
    roles: names,
    grants: grantsOfRoles(names),
    ...(typeof claims['sid'] === 'string' ? { sessionId: claims['sid'] } : {}),
    ...(typeof claims['api_token'] === 'string' ? { apiTokenId: claims['api_token'] } : {}),
    ...(claims['scope'] === undefined ? {} : { scope: scopeOf(claims['scope']) }),
  };
}

/** Throws for anything but a scope: what can't be read must not pass for the whole platform. */
function scopeOf(claim: unknown): Scope {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) throw new Error('the scope is no object');
  const { tenants, nodes, ...rest } = claim as Record<string, unknown>;
  if (Object.keys(rest).length > 0) throw new Error('the scope names what is not known');
  return { ...(tenants === undefined ? {} : { tenants: namesOf(tenants) }), ...(nodes === undefined ? {} : { nodes: namesOf(nodes) }) };
}

function namesOf(value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((name): name is string => typeof name === 'string'))
    throw new Error('the scope lists no names');
  return value;
}

/** A map that forgets its oldest entry when full. */
class BoundedCache<V> {
  private readonly entries = new Map<string, V>();
  constructor(private readonly limit: number) {}

  get(key: string): V | undefined {
    return this.entries.get(key);
  }

  set(key: string, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.limit) {
      const oldest = this.entries.keys().next();
      if (oldest.done !== true) this.entries.delete(oldest.value);
    }
  }
}
