import { z } from 'zod';
import { namePattern } from '@fairlead/contracts';

/** A provider that people sign in at, as the setting OIDC_ISSUERS lists it. */
const issuerSchema = z.strictObject({
  /** Names it in addresses: its redirect URI ends with it. */
  id: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must have 1 to 32 lower-case letters, digits or hyphens'),
  /** As people know it. */
  name: z.string().trim().min(1).max(60),
  issuer: z.url({ protocol: /^https?$/ }),
  client_id: z.string().min(1).max(256),
  client_secret: z.string().min(1).max(1_024).optional(),
  scope: z
    .string()
    .regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must begin with openid')
    .default('openid email profile'),
  /** The claim that lists somebody's groups. */
  groups_claim: z.string().min(1).max(128).default('groups'),
  roles: z.record(z.string().min(1), z.array(z.string().regex(namePattern, 'must be the name of a role')).min(1)),
});

export type IssuerSettings = z.output<typeof issuerSchema>;

const listSchema = z
  .array(issuerSchema)
  .max(20)
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'two issuers have the same id');

/** The setting: a list of issuers in JSON, which holds their client secrets and so stands in a file. Says what is wrong without quoting it. */
export const issuersSetting = z.string().transform((text, context): IssuerSettings[] => {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' });
    return z.NEVER;
  }
  const parsed = listSchema.safeParse(list);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  context.addIssue({ code: 'custom', message: `not a list of issuers: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`.trim() });
  return z.NEVER;
});
