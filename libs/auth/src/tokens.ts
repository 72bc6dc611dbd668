import { createHash } from 'node:crypto';
import { createLocalJWKSet, errors, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWTVerifyGetKey } from 'jose';
import { FairleadError, platformPath, roles, serviceGrants, type Permission, type Role, type ServiceName } from '@fairlead/contracts';
import type { KeySource } from './key-source.js';
import { issuerOf, type Jwks, type PrivateJwk } from './keys.js';
import { claimOf, granted, grantsOfClaim, grantsOfRoles, type Grants } from './grants.js';
import { accountOf, grantsOfService, principalOfAccount, type Principal, type Scope } from './principal.js';

const audience = 'fairlead';
const userIssuer: ServiceName = 'api-gateway';
const serviceTokenTtlSeconds = 300;
const maxAheadMs = 60_000;

/** Whom an access token speaks for, and what it was given to. */
export interface TokenUser {
  /** The id of an account: a user, a service account, or a project. */
  readonly userId: string;
  readonly email: string;
  /** Built-in roles on the whole platform. */
  readonly roles: readonly Role[];
  /** What else they may do, and where; what the roles give may be among it. */
  readonly grants?: Grants;
  readonly sessionId?: string;
  readonly apiTokenId?: string;
  readonly scope?: Scope;
}

export interface TokenSigner {
  /** Signs the access token of a user or another account; only the gateway's are accepted. Throws `too_many_grants` for more than a token holds. */
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
    signUser: async ({ userId, email, roles, grants, sessionId, apiTokenId, scope }, ttlSeconds) =>
      sign(
        { email, roles, grants: furtherClaim(roles, grants), sid: sessionId, api_token: apiTokenId, scope },
        principalOfAccount(userId),
        ttlSeconds,
      ),
    serviceToken: async (onBehalfOf) => {
      const cached = cache.get(onBehalfOf ?? '');
      if (cached !== undefined && cached.renewAtMs > Date.now()) return cached.token;
      const token = await sign(onBehalfOf === undefined ? {} : { obo: onBehalfOf }, `service:${issuer}`, serviceTokenTtlSeconds);
      cache.set(onBehalfOf ?? '', { token, renewAtMs: Date.now() + (serviceTokenTtlSeconds - 60) * 1000 });
      return token;
    },
  };
}

/** What grants give besides roles on the whole platform, as a token tells it; undefined for nothing. */
function furtherClaim(roles: readonly Role[], grants: Grants | undefined) {
  if (grants === undefined) return undefined;
  const told = grantsOfRoles(roles);
  const further = new Map([...grants].map(([path, given]) => [path, new Set([...given].filter((permission) => !told.has(permission)))]));
  const claim = claimOf(further);
  return claim.length === 0 ? undefined : claim;
}

export interface TokenVerifier {
  /** Answers who a token speaks for; throws `unauthenticated` when it is not valid, or no longer. */
  verify(token: string): Promise<Principal>;
}

/**
 * Makes a verifier for a set of trusted keys, and for the keys of a source, which speak for users alone. A key speaks for the
 * issuer its kid names and for no other: the gateway's for users and itself, any other service's for that service alone.
 */
export function createTokenVerifier({ jwks, userKeys }: { jwks: Jwks; userKeys?: KeySource }): TokenVerifier {
  const keySet = keysOf(jwks, userKeys);
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

/** The key of a token: a trusted one, else the source's. */
function keysOf(jwks: Jwks, userKeys: KeySource | undefined): JWTVerifyGetKey {
  const trusted = createLocalJWKSet(jwks);
  return async (header, token) => {
    try {
      return await trusted(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || userKeys === undefined) throw error;
      const found = await userKeys.find(header.kid ?? '');
      if (found === undefined || accountOf(subjectOf(token.payload)) === undefined) throw error;
      return importJWK(found, 'EdDSA');
    }
  };
}

/** Whom a token that is not verified yet says it speaks for. */
function subjectOf(payload: string | Uint8Array): string {
  const text = typeof payload === 'string' ? Buffer.from(payload, 'base64url').toString('utf8') : Buffer.from(payload).toString('utf8');
  const { sub } = JSON.parse(text) as { sub?: unknown };
  return typeof sub === 'string' ? sub : '';
}

async function verifyToken(token: string, keySet: JWTVerifyGetKey): Promise<Principal> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keySet, {
      algorithms: ['EdDSA'],
      // What else is signed with a service's key, such as anchors of the audit trail, names another type.
      typ: 'JWT',
      audience,
      clockTolerance: 5,
      requiredClaims: ['sub', 'iss', 'exp', 'iat'],
    });
    // Clocks differ by seconds, not by more.
    if ((payload.iat ?? 0) * 1000 > Date.now() + maxAheadMs) throw new Error('the token was issued in the future');
    const issuer = payload.iss ?? '';
    if (issuerOf(protectedHeader.kid ?? '') !== issuer) throw new Error('the key may not sign for this issuer');
    return { ...speakerOf(issuer, payload.sub ?? '', payload), expiresAtMs: (payload.exp ?? 0) * 1000 };
  } catch (cause) {
    throw new FairleadError('unauthenticated', 'The access token is not valid or has expired', { cause });
  }
}

/** Whom a token speaks for. */
function speakerOf(issuer: string, subject: string, claims: Record<string, unknown>): Omit<Principal, 'expiresAtMs'> {
  if (subject === `service:${issuer}` && Object.hasOwn(serviceGrants, issuer)) {
    const onBehalfOf = typeof claims['obo'] === 'string' ? claims['obo'] : undefined;
    return { id: subject, name: issuer, kind: 'service', roles: [], grants: grantsOfService(issuer as ServiceName), onBehalfOf };
  }
  if (issuer !== userIssuer || accountOf(subject) === undefined) throw new Error('the issuer may not speak for this subject');
  const names = (Array.isArray(claims['roles']) ? claims['roles'] : []).filter(
    (role): role is Role => typeof role === 'string' && Object.hasOwn(roles, role),
  );
  return {
    id: subject,
    name: typeof claims['email'] === 'string' ? claims['email'] : subject,
    kind: subject.startsWith('project:') ? 'project' : 'user',
    roles: names,
    ...grantedBy(names, claims['grants']),
    ...(typeof claims['sid'] === 'string' ? { sessionId: claims['sid'] } : {}),
    ...(typeof claims['api_token'] === 'string' ? { apiTokenId: claims['api_token'] } : {}),
    ...(claims['scope'] === undefined ? {} : { scope: scopeOf(claims['scope']) }),
  };
}

/** What a token's roles and its further grants give. */
function grantedBy(names: readonly Role[], claim: unknown) {
  const further = claim === undefined ? new Map<string, Set<Permission>>() : grantsOfClaim(claim);
  const everywhere = new Set([...grantsOfRoles(names), ...(further.get(platformPath) ?? [])]);
  return granted(new Map([...further, [platformPath, everywhere]]));
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
