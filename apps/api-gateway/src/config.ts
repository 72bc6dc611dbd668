import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { field } from '@fairlead/config';
import { isAllowedCidrs, isCidrList, isHostList } from '@fairlead/outbound';
import { tokenIssuerSetting } from './external-tokens/settings.js';
import { issuersSetting } from './single-sign-on/settings.js';
import { baseConfig, databaseConfig, grpcConfig, natsConfig } from '@fairlead/service-runtime';

export const configSchema = z.object({
  ...baseConfig,
  ...databaseConfig,
  ...natsConfig,
  GRPC_HOST: grpcConfig.GRPC_HOST,
  /** Where the change stream is served over gRPC; nowhere without it. */
  GRPC_PORT: grpcConfig.GRPC_PORT.optional(),
  /** Where the other services read the key set by HTTPS, with their certificates; nowhere without it. Needs the TLS_ files. */
  JWKS_HTTPS_PORT: field.port().optional(),
  PLACEMENT_GRPC: field.address(),
  FLEET_OBSERVER_GRPC: field.address(),
  JOB_ORCHESTRATOR_GRPC: field.address(),
  AUDIT_GRPC: field.address(),
  /** Where the first admin's login is written; without it none is made. */
  FIRST_ADMIN_FILE: field.text().optional(),
  FIRST_ADMIN_EMAIL: z
    .email('not an e-mail address')
    .transform((email) => email.toLowerCase())
    .default('admin@fairlead.local'),
  /** Secret: 32 bytes in base64url, under which the secrets of second factors are stored; nobody can set one up without it. */
  IDENTITY_KEY: field
    .text()
    .regex(/^[A-Za-z0-9_-]{43}$/, 'not 32 bytes in base64url')
    .transform((key) => Buffer.from(key, 'base64url'))
    .optional(),
  ACCESS_TOKEN_TTL_SECONDS: field.integer({ min: 10, max: 86_400 }).default(300),
  /** How long a key signs users' access tokens; without it SERVICE_KEY signs them, for good. Needs IDENTITY_KEY. */
  SIGNING_KEY_ROTATION_SECONDS: field.integer({ min: 1, max: 315_360_000 }).optional(),
  /** How long a key is published before it signs: longer than any verifier keeps the keys it has read, or waits to read them again. */
  SIGNING_KEY_LEAD_SECONDS: field.integer({ min: 5, max: 86_400 }).default(120),
  /** Where users reach the API and the UI, when that is not this very address: behind a proxy that speaks TLS. */
  PUBLIC_URL: field.url('http', 'https').optional(),
  /** Proxies whose word on where a request came from is taken: addresses and networks, none unless they are named. */
  TRUSTED_PROXIES: z
    .string()
    .refine(isCidrList, 'not a comma-separated list of addresses and networks such as 10.0.0.0/8')
    .refine((list) => !/\/0+\s*(,|$)/.test(list), 'would trust everybody')
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .default([]),
  /** Requests of one user, or of one API token, in a minute. */
  RATE_LIMIT_PER_MINUTE: field.integer({ min: 1, max: 10_000_000 }).default(6_000),
  /** Change streams at once, polls that wait included: of this process, and of one user or API token. */
  CHANGE_STREAMS_MAX: field.integer({ min: 1, max: 100_000 }).default(5_000),
  CHANGE_STREAMS_MAX_PER_PRINCIPAL: field.integer({ min: 1, max: 100_000 }).default(100),
  /** What of internal networks may be called, where operators name an address: none unless they are named. The public internet may. */
  OUTBOUND_ALLOW_CIDRS: z.string().refine(isAllowedCidrs, 'not a comma-separated list of networks such as 10.0.0.0/8').default(''),
  /** Hosts that may be called wherever they are: `name` or `*.suffix`, comma-separated. */
  OUTBOUND_ALLOW_HOSTS: z
    .string()
    .refine(isHostList, 'not a comma-separated list of host names such as receiver or *.internal')
    .default(''),
  /** How long a receiver of webhooks may take to answer, and after how many attempts a delivery is given up. */
  WEBHOOK_TIMEOUT_MS: field.durationMs(60_000).default(10_000),
  WEBHOOK_MAX_ATTEMPTS: field.integer({ min: 1, max: 20 }).default(10),
  /** After so many hours of nothing but failures a webhook is disabled. */
  WEBHOOK_DISABLE_AFTER_HOURS: field.integer({ min: 1, max: 8_760 }).default(72),
  /** How long deliveries that have ended are kept. */
  WEBHOOK_KEEP_DAYS: field.integer({ min: 1, max: 365 }).default(30),
  /** Secret: the OpenID Connect issuers that people sign in at, as a list in JSON; needs IDENTITY_KEY and PUBLIC_URL. */
  OIDC_ISSUERS: issuersSetting.default([]),
  /** The issuer whose access tokens are taken, in JSON; nobody but the break-glass admin, FIRST_ADMIN_EMAIL, gets any here then. */
  TOKEN_ISSUER: tokenIssuerSetting.optional(),
  /** An IAM that keeps users, sessions and roles in place of this control plane: where it serves what `/admin/v1` serves here. Needs TOKEN_ISSUER and IAM_TOKEN. */
  IAM_URL: field.url('http', 'https').optional(),
  /** Secret: what the gateway shows there. */
  IAM_TOKEN: field.text().optional(),
  IAM_TIMEOUT_MS: field.integer({ min: 100, max: 25_000 }).default(5_000),
  /** The built admin UI. */
  ADMIN_UI_DIR: field.text().default(fileURLToPath(new URL('../../admin-ui/dist', import.meta.url))),
});

export type Config = z.output<typeof configSchema>;
