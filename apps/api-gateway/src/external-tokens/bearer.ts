import type { ExternalClaims } from '@fairlead/auth';
import { FairleadError } from '@fairlead/contracts';
import { keyOf, mappedOf, type MappedRole } from '../domain/group-roles.js';
import type { TokenIssuerSettings } from './settings.js';

/** Whom an external token speaks for; `subject` is theirs at that issuer for good. */
export interface Bearer {
  readonly issuerId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly given: readonly MappedRole[];
  /** In seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Whom a token of the external issuer speaks for, and the roles that it gives. Throws `unauthenticated` when it names nobody. Pure. */
export function bearerOf(settings: TokenIssuerSettings, claims: ExternalClaims): Bearer {
  const subject = claims[settings.subject_claim];
  if (typeof subject !== 'string' || !/^[^\p{C}]{1,255}$/u.test(subject))
    throw new FairleadError('unauthenticated', 'The access token does not say whom it speaks for');
  const email = claims[settings.email_claim];
  const given = mappedOf(claims[settings.roles_claim], settings.roles);
  return {
    issuerId: settings.id,
    issuer: claims.iss,
    subject,
    email: typeof email === 'string' && /^[^\s\p{C}]{1,200}$/u.test(email) ? email : undefined,
    given: [...new Map(given.map((one) => [keyOf(one), one])).values()],
    issuedAt: claims.iat,
    expiresAt: claims.exp,
  };
}
