import { decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { FairleadError } from '@fairlead/contracts';
import { createIssuerKeys, type IssuerKeysOptions } from './issuer-keys.js';

/** The algorithms that an external issuer's tokens may be signed by: none with a secret that both sides know. */
export const externalAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;

/** What is taken from an external issuer. */
export interface ExternalIssuer extends IssuerKeysOptions {
  /** Whom the tokens have to be meant for. */
  readonly audience: string;
  readonly algorithms: readonly (typeof externalAlgorithms)[number][];
  /** The tokens' type (`typ`): `at+jwt`, or `JWT` for issuers that give access tokens no type of their own. */
  readonly type: 'at+jwt' | 'JWT';
  readonly clockSkewSeconds: number;
  /** How long a token may live at most. */
  readonly maxLifetimeSeconds: number;
}

/** Access tokens of an external issuer. */
export interface ExternalTokens {
  /** Whether a token says that it is this issuer's; nothing of it is verified. */
  claims(token: string): boolean;
  /** The claims of a token of the issuer; throws `unauthenticated` for any other, `service_unreachable` when its keys can't be had. */
  verify(token: string): Promise<ExternalClaims>;
}

export interface ExternalClaims extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
}

/** What stands in tokens of other purposes that an issuer signs with the same keys: id tokens, logout tokens, security events. */
const foreignClaims = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'];

/** Makes the verifier of an external issuer's access tokens (RFC 9068). */
export function createExternalTokens(issuer: ExternalIssuer): ExternalTokens {
  const keys = createIssuerKeys(issuer);
  return {
    claims: (token) => {
      try {
        return decodeJwt(token).iss === issuer.issuer;
      } catch {
        return false;
      }
    },
    verify: async (token) => {
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: [...issuer.algorithms],
          typ: issuer.type,
          clockTolerance: issuer.clockSkewSeconds,
          requiredClaims: ['sub', 'iat', 'exp'],
        });
        refuseOdd(payload, issuer);
        return payload as ExternalClaims;
      } catch (cause) {
        if (cause instanceof FairleadError) throw cause;
        throw new FairleadError('unauthenticated', 'The access token is not valid or has expired', { cause });
      }
    },
  };
}

function refuseOdd(payload: JWTPayload, { clockSkewSeconds, maxLifetimeSeconds }: ExternalIssuer): void {
  const { iat = 0, exp = 0, sub } = payload;
  if (typeof sub !== 'string' || sub === '') throw new Error('the token speaks for nobody');
  if (iat * 1_000 > Date.now() + clockSkewSeconds * 1_000) throw new Error('the token was issued in the future');
  if (exp - iat > maxLifetimeSeconds) throw new Error('the token lives too long');
  if (foreignClaims.some((claim) => payload[claim] !== undefined)) throw new Error('the token has another purpose');
  if (payload['token_use'] !== undefined && payload['token_use'] !== 'access') throw new Error('the token has another purpose');
}
