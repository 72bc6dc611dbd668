import { createExternalTokens } from '@fairlead/auth';
import { createOutbound, publicPolicy, type Allowed, type Outbound } from '@fairlead/outbound';
import { exchangeExternalToken, type ExternalExchangeDeps } from './exchange.js';
import type { TokenIssuerSettings } from './settings.js';

const timeoutMs = 3_000;
const maxResponseBytes = 262_144;

/** The external issuer, as requests meet it. */
export interface ExternalIssuerTokens {
  /** Whether a bearer token says that it is the issuer's; nothing of it is verified. */
  claims(token: string): boolean;
  /** As `exchangeExternalToken`. */
  exchange(token: string): Promise<string>;
  close(): Promise<void>;
}

/** Takes the tokens of an external issuer, whose keys are read through the guard of outbound requests. */
export function openExternalTokens(
  settings: TokenIssuerSettings,
  allowed: Allowed,
  deps: Omit<ExternalExchangeDeps, 'settings' | 'tokens'>,
): ExternalIssuerTokens {
  const outbound = createOutbound({ policy: publicPolicy(allowed) });
  const tokens = createExternalTokens({
    issuer: settings.issuer,
    jwksUrl: settings.jwks_url,
    audience: settings.audience,
    algorithms: settings.algorithms,
    type: settings.token_type,
    clockSkewSeconds: settings.clock_skew_seconds,
    maxLifetimeSeconds: settings.max_lifetime_seconds,
    read: (url) => readText(outbound, url),
  });
  return {
    claims: (token) => tokens.claims(token),
    exchange: (token) => exchangeExternalToken({ ...deps, settings, tokens }, token),
    close: () => outbound.close(),
  };
}

async function readText(outbound: Outbound, url: string): Promise<string> {
  const { status, body } = await outbound.request({ method: 'GET', url, timeoutMs, maxResponseBytes });
  if (status !== 200) throw new Error(`it was answered with ${String(status)}`);
  return body.toString('utf8');
}
