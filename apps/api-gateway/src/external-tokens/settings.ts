import { z } from 'zod';
import { namePattern, platformPath, scopePathPattern, tenantOfPath } from '@fairlead/contracts';
import { externalAlgorithms } from '@fairlead/auth';

/** A role, on the whole platform or (`operator@/tenants/acme`) on one tenant. */
const mapped = z.string().transform((text, context): { role: string; scope: string } => {
  const [role = '', scope = platformPath, ...more] = text.split('@');
  const onTenant = tenantOfPath(scope) !== undefined && scopePathPattern.test(scope);
  if (namePattern.test(role) && more.length === 0 && (scope === platformPath || onTenant)) return { role, scope };
  context.addIssue({ code: 'custom', message: 'must be the name of a role, or one @/tenants/{tenant}' });
  return z.NEVER;
});

/** The issuer whose access tokens are taken, as the setting TOKEN_ISSUER tells it. */
const tokenIssuerSchema = z.strictObject({
  /** Names it where its users are shown. */
  id: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must have 1 to 32 lower-case letters, digits or hyphens'),
  issuer: z.url({ protocol: /^https?$/ }),
  audience: z.string().min(1).max(256),
  /** Where its keys are; its discovery document tells without it. */
  jwks_url: z.url({ protocol: /^https?$/ }).optional(),
  algorithms: z.array(z.enum(externalAlgorithms)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  token_type: z.enum(['at+jwt', 'JWT']).default('at+jwt'),
  subject_claim: z.string().min(1).max(128).default('sub'),
  email_claim: z.string().min(1).max(128).default('email'),
  /** The claim that lists what roles go by. */
  roles_claim: z.string().min(1).max(128).default('groups'),
  roles: z.record(z.string().min(1), z.array(mapped).min(1).max(50)),
  clock_skew_seconds: z.int().min(0).max(300).default(30),
  max_lifetime_seconds: z.int().min(60).max(604_800).default(86_400),
});

export type TokenIssuerSettings = z.output<typeof tokenIssuerSchema>;

/** The setting: an issuer in JSON. Says what is wrong without quoting it. */
export const tokenIssuerSetting = z.string().transform((text, context): TokenIssuerSettings => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' });
    return z.NEVER;
  }
  const parsed = tokenIssuerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  context.addIssue({ code: 'custom', message: `not an issuer: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`.trim() });
  return z.NEVER;
});
