import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** Somebody whom a provider knows. */
export interface ProviderAccount {
  readonly email: string;
  readonly groups: readonly string[];
  /** By how much the provider's clock is off, for them. */
  readonly clockSeconds?: number;
}

/** For specs: a real OpenID provider on a port of this machine, with one client. */
export interface OpenIdProvider {
  readonly issuer: string;
  /** By login; any password is right. Read anew at each sign-in. */
  readonly accounts: Map<string, ProviderAccount>;
  /** Signs somebody in as a browser would: follows an authorization URL and answers what it is sent back with. */
  visit(authorizationUrl: string, login: string): Promise<Record<string, string>>;
  /** The tokens that somebody gets there by the code flow: an id token, and an access token (RFC 9068) for the audience `fairlead`. */
  tokens(login: string): Promise<{ access_token: string; id_token: string }>;
  /** What it signs with. */
  readonly keys: readonly ProviderKey[];
  /** How often its keys were asked for. */
  readonly asked: { keys: number };
  stop(): Promise<void>;
}

export const clientId = 'fairlead';
export const clientSecret = 'a-secret-of-the-client-only';

/** A signing key of a provider; it signs with the first one. */
export interface ProviderKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export function providerKey(kid: string): ProviderKey {
  return { kid, privateKey: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey };
}

/** What the access tokens are asked for. */
const resource = 'https://fairlead.test/api';

/** Starts a provider whose client is sent back to these addresses. */
export async function startOpenIdProvider(
  redirectUris: readonly string[],
  { port = 0, keys = [providerKey('one')] }: { port?: number; keys?: readonly ProviderKey[] } = {},
): Promise<OpenIdProvider> {
  const accounts = new Map<string, ProviderAccount>();
  const asked = { keys: 0 };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const [first] = keys;
  if (first === undefined) throw new Error('a provider needs a key');
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [...redirectUris], grant_types: ['authorization_code'] }],
    jwks: { keys: keys.map(({ kid, privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' })) },
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'fairlead', audience: 'fairlead', accessTokenTTL: 60, accessTokenFormat: 'jwt' }),
      },
    },
    extraTokenClaims: (_context, token) => {
      const account = 'accountId' in token ? accounts.get(token.accountId) : undefined;
      return account === undefined ? {} : { email: account.email, groups: [...account.groups] };
    },
    cookies: { keys: ['only-for-specs'] },
    claims: { openid: ['sub'], email: ['email'], profile: ['groups'] },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      Grant: 600,
      Interaction: 600,
      Session: 600,
      IdToken: 60,
    },
    findAccount: (_context, login) => {
      const account = accounts.get(login);
      return account === undefined
        ? undefined
        : { accountId: login, claims: () => ({ sub: login, email: account.email, groups: [...account.groups] }) };
    },
    // Nobody is asked for consent.
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client?.clientId,
        accountId: context.oidc.session?.accountId,
      });
      grant.addOIDCScope('openid email profile');
      grant.addResourceScope(resource, 'fairlead');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    await next();
    const body = context.body as { id_token?: string } | undefined;
    if (context.path === '/token' && body?.id_token !== undefined) body.id_token = atAnotherTime(body.id_token, accounts, first.privateKey);
  });
  const handle = provider.callback();
  server.on('request', (request, response) => {
    if (request.url === '/jwks') asked.keys += 1;
    void handle(request, response);
  });
  return {
    issuer,
    accounts,
    keys,
    asked,
    visit: (url, login) => visit(issuer, url, login),
    tokens: (login) => tokensOf(issuer, redirectUris[0] ?? '', login),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function tokensOf(issuer: string, redirectUri: string, login: string): Promise<{ access_token: string; id_token: string }> {
  const verifier = randomBytes(32).toString('base64url');
  const asked = new URL('/auth', issuer);
  asked.search = new URLSearchParams({
    ...{ client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope: 'openid email profile fairlead', resource },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
  }).toString();
  const { code = '' } = await visit(issuer, asked.href, login);
  const body = new URLSearchParams({
    ...{ grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri, resource },
    ...{ client_id: clientId, client_secret: clientSecret },
  });
  const answer = await fetch(new URL('/token', issuer), { method: 'POST', body, headers: { connection: 'close' } });
  if (!answer.ok) throw new Error(`the provider gave no tokens: ${await answer.text()}`);
  return (await answer.json()) as { access_token: string; id_token: string };
}

async function visit(issuer: string, url: string, login: string): Promise<Record<string, string>> {
  const jar = new Map<string, string>();
  let [at, form]: [string, URLSearchParams | undefined] = [url, undefined];
  for (let steps = 0; steps < 12; steps += 1) {
    const response: Response = await fetch(at, {
      redirect: 'manual',
      // A provider that is started again on its port knows nothing of earlier connections.
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), connection: 'close' },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    if (location === null) {
      const action = /action="([^"]+)"/.exec(text)?.[1];
      if (action === undefined || response.status !== 200)
        throw new Error(`the provider answered ${String(response.status)}: ${text.slice(0, 300)}`);
      [at, form] = [new URL(action, issuer).href, new URLSearchParams({ prompt: 'login', login, password: 'any' })];
    } else {
      const next = new URL(location, at);
      if (next.origin !== issuer) return Object.fromEntries(next.searchParams);
      [at, form] = [next.href, undefined];
    }
  }
  throw new Error('the provider does not come to an end');
}

/** The id token that the provider would have signed had its clock been off. */
function atAnotherTime(token: string, accounts: ReadonlyMap<string, ProviderAccount>, key: KeyObject): string {
  const [head = '', body = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { sub: string; iat: number; exp: number };
  const off = accounts.get(claims.sub)?.clockSeconds ?? 0;
  const text = `${head}.${Buffer.from(JSON.stringify({ ...claims, iat: claims.iat + off, exp: claims.exp + off })).toString('base64url')}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
}
