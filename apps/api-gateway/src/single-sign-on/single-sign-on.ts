import * as oidc from 'openid-client';
import { FairleadError } from '@fairlead/contracts';
import { OutboundError, type Outbound } from '@fairlead/outbound';
import type { Logger } from '@fairlead/telemetry';
import { rolesOfGroups } from '../domain/group-roles.js';
import type { Sealer } from '../identity/sealing.js';
import type { IssuerSettings } from './settings.js';

export interface SingleSignOnDeps {
  readonly issuers: readonly IssuerSettings[];
  readonly outbound: Outbound;
  readonly sealer: Sealer;
  /** Where browsers reach the gateway. */
  readonly publicUrl: string;
  readonly logger: Logger;
}

/** What a browser brings back from an issuer. */
export interface IssuerAnswer {
  readonly code?: string;
  readonly state?: string;
  readonly iss?: string;
  readonly error?: string;
}

/** Somebody whom an issuer knows, with the roles that their groups give here; `subject` is theirs at that issuer for good. */
export interface ExternalPerson {
  readonly issuerId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | undefined;
  /** By name, on the whole platform; there may be none of that name. */
  readonly roles: readonly string[];
}

export interface SingleSignOn {
  readonly issuers: readonly { readonly id: string; readonly name: string }[];
  /**
   * Begins a sign-in: where the browser goes, and what it holds meanwhile and nobody else can read. Throws `not_found`, and
   * `service_unreachable` when the issuer can't be asked.
   */
  start(issuerId: string): Promise<{ url: string; held: string }>;
  /**
   * Ends it: who came back. Throws `not_found`, `sign_in_failed` for whatever is not the answer to the sign-in that the browser
   * holds, and `service_unreachable` when the issuer can't be asked.
   */
  finish(issuerId: string, held: string | undefined, answer: IssuerAnswer): Promise<ExternalPerson>;
}

/** How long somebody may take at the issuer. */
export const signInSeconds = 600;
/** Clocks of issuers may differ by so much. */
const toleranceSeconds = 30;
const rediscoverMs = 3_600_000;
const timeoutMs = 5_000;
const maxResponseBytes = 262_144;

interface Held {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly untilMs: number;
}

/** Signs people in at OpenID Connect issuers: code flow with PKCE, state and nonce. */
export function createSingleSignOn(deps: SingleSignOnDeps): SingleSignOn {
  const { issuers, sealer, publicUrl, logger } = deps;
  const discover = createDiscovery(deps.outbound);
  const issuerOf = (id: string) => {
    const found = issuers.find((one) => one.id === id);
    if (found === undefined) throw new FairleadError('not_found', `There is no issuer ${id}`);
    return found;
  };
  const redirectUri = ({ id }: IssuerSettings) => new URL(`/sign-in/${id}`, publicUrl);
  const box = ({ id }: IssuerSettings) => `sign-in at ${id}`;
  /** What an issuer's answer came to, in plain words; the log tells more. */
  const failed = (issuer: IssuerSettings, error: unknown): FairleadError => {
    const outbound = outboundErrorIn(error);
    logger.warn({ issuer: issuer.id, reason: reasonOf(error) }, 'a sign-in failed');
    if (outbound !== undefined)
      return new FairleadError('service_unreachable', `${issuer.name} can't be reached at the moment; try again later`, { cause: error });
    return new FairleadError('sign_in_failed', `${issuer.name} did not confirm who you are; sign in again`, { cause: error });
  };
  return {
    issuers: issuers.map(({ id, name }) => ({ id, name })),
    start: async (issuerId) => {
      const issuer = issuerOf(issuerId);
      const config = await discover(issuer).catch((error: unknown) => {
        logger.warn({ issuer: issuer.id, reason: reasonOf(error) }, 'an issuer could not be asked for its configuration');
        throw new FairleadError('service_unreachable', `${issuer.name} can't be reached at the moment; try again later`, { cause: error });
      });
      const held: Held = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        verifier: oidc.randomPKCECodeVerifier(),
        untilMs: Date.now() + signInSeconds * 1_000,
      };
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri(issuer).href,
        scope: issuer.scope,
        state: held.state,
        nonce: held.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(held.verifier),
        code_challenge_method: 'S256',
      });
      return { url: url.href, held: sealer.seal(box(issuer), Buffer.from(JSON.stringify(held))).toString('base64url') };
    },
    finish: async (issuerId, sealed, answer) => {
      const issuer = issuerOf(issuerId);
      const held = openHeld(sealer, box(issuer), sealed);
      if (held === undefined || held.untilMs < Date.now() || answer.state !== held.state)
        throw new FairleadError('sign_in_failed', 'This sign-in was not begun in this browser, or it took too long; sign in again');
      if (answer.error === 'access_denied') throw new FairleadError('sign_in_failed', `${issuer.name} did not let you in`);
      try {
        const config = await discover(issuer);
        const returned = redirectUri(issuer);
        for (const [name, value] of Object.entries(answer)) if (typeof value === 'string') returned.searchParams.set(name, value);
        const tokens = await oidc.authorizationCodeGrant(config, returned, {
          pkceCodeVerifier: held.verifier,
          expectedState: held.state,
          expectedNonce: held.nonce,
          idTokenExpected: true,
        });
        return await personOf(issuer, config, tokens);
      } catch (error) {
        throw failed(issuer, error);
      }
    },
  };
}

/** Reads issuers' configurations, each once an hour, through the guard of outbound requests. */
function createDiscovery(outbound: Outbound): (issuer: IssuerSettings) => Promise<oidc.Configuration> {
  const known = new Map<string, { config: Promise<oidc.Configuration>; untilMs: number }>();
  const guarded: oidc.CustomFetch = async (url, { method, headers, body }) => {
    const answer = await outbound.request({
      method: method === 'POST' ? 'POST' : 'GET',
      ...{ url, headers, timeoutMs, maxResponseBytes },
      ...(body === null || body === undefined ? {} : { body: bodyText(body) }),
    });
    const type = answer.contentType;
    return new Response(answer.status === 204 ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: type === undefined ? {} : { 'content-type': type },
    });
  };
  return async (issuer) => {
    const now = performance.now();
    const cached = known.get(issuer.id);
    if (cached !== undefined && cached.untilMs > now) return cached.config;
    // By http only where the guard of outbound requests was told to let it.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- what it should make stand out is said here
    const insecure = new URL(issuer.issuer).protocol === 'http:' ? [oidc.allowInsecureRequests] : [];
    const config = oidc.discovery(
      new URL(issuer.issuer),
      issuer.client_id,
      { [oidc.clockTolerance]: toleranceSeconds, ...(issuer.client_secret === undefined ? {} : { client_secret: issuer.client_secret }) },
      issuer.client_secret === undefined ? oidc.None() : undefined,
      // The id token's signature is checked too, though it comes by TLS.
      { [oidc.customFetch]: guarded, execute: [...insecure, oidc.enableNonRepudiationChecks], timeout: timeoutMs / 1_000 },
    );
    known.set(issuer.id, { config, untilMs: now + rediscoverMs });
    return config.catch((error: unknown) => {
      known.delete(issuer.id);
      throw error;
    });
  };
}

/** What the id token says of somebody, and where it leaves their groups out what the issuer answers about them. */
async function personOf(
  { id, groups_claim: claim, roles }: IssuerSettings,
  config: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
): Promise<ExternalPerson> {
  const token = tokens.claims();
  if (token === undefined) throw new Error('there is no id token');
  const more =
    token[claim] === undefined && config.serverMetadata().userinfo_endpoint !== undefined
      ? await oidc.fetchUserInfo(config, tokens.access_token, token.sub)
      : {};
  const claims: Readonly<Record<string, unknown>> = { ...more, ...token };
  const email = typeof claims['email'] === 'string' && /^[^\s\p{C}]{1,200}$/u.test(claims['email']) ? claims['email'] : undefined;
  return { issuerId: id, issuer: token.iss, subject: token.sub, email, roles: rolesOfGroups(claims[claim], roles) };
}

function openHeld(sealer: Sealer, name: string, sealed: string | undefined): Held | undefined {
  const text = sealed === undefined ? undefined : sealer.open(name, Buffer.from(sealed, 'base64url'))?.toString('utf8');
  return text === undefined ? undefined : (JSON.parse(text) as Held);
}

function bodyText(body: unknown): string {
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a request to an issuer has a body of an unknown sort');
}

function outboundErrorIn(error: unknown): OutboundError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 6; current = current.cause, depth += 1)
    if (current instanceof OutboundError) return current;
  return undefined;
}

/** For the log: codes and fixed texts of the library, never what an issuer sent. */
function reasonOf(error: unknown): string {
  const outbound = outboundErrorIn(error);
  if (outbound !== undefined) return outbound.problem;
  const { code, error: oauthError } = error as { code?: unknown; error?: unknown };
  const words = [code, oauthError].filter((word): word is string => typeof word === 'string' && /^[\w-]{1,64}$/.test(word));
  return words.join(' ') || (error instanceof Error ? error.name : 'unknown');
}
