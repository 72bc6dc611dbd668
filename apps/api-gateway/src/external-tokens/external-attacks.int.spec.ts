// Real: Postgres, NATS, the gateway, and an OpenID provider whose access tokens it takes.
import { createHmac, createPublicKey, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';
import { providerKey, startOpenIdProvider, type OpenIdProvider, type ProviderKey } from '../testing/openid-provider.js';

const redirect = 'http://fairlead.test/sign-in/iam';
let stage: IdentityStage;
let iam: OpenIdProvider;

beforeAll(async () => {
  // What it has to say about a quick start.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  iam = await startOpenIdProvider([redirect]);
  iam.accounts.set('ann', { email: 'ann@corp.test', groups: ['bosses'] });
  const issuer = { id: 'iam', issuer: iam.issuer, audience: 'fairlead', algorithms: ['RS256'], roles: { bosses: ['admin'] } };
  stage = await startIdentityStage({ TOKEN_ISSUER: JSON.stringify(issuer), OUTBOUND_ALLOW_CIDRS: '127.0.0.0/8' });
}, 120_000);

afterAll(async () => {
  await stage.stop();
  await iam.stop();
});

type Json = Record<string, unknown>;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1_000);
const own = () => iam.keys[0] as ProviderKey;
const header = (more: Json = {}): Json => ({ alg: 'RS256', kid: 'one', typ: 'at+jwt', ...more });
const claims = (more: Json = {}): Json => ({
  ...{ iss: iam.issuer, aud: 'fairlead', sub: 'ann', email: 'ann@corp.test', groups: ['bosses'], client_id: 'fairlead' },
  ...{ iat: seconds(), exp: seconds() + 60, ...more },
});
const rsa =
  (key: ProviderKey, hash = 'RSA-SHA256') =>
  (text: string) =>
    sign(hash, Buffer.from(text), key.privateKey).toString('base64url');
const signed = (head: Json, body: Json, signature: (text: string) => string = rsa(own())) => {
  const text = `${part(head)}.${part(body)}`;
  return `${text}.${signature(text)}`;
};
const publicPem = () => createPublicKey(own().privateKey).export({ type: 'spki', format: 'pem' }).toString();
const call = (token: string) => stage.gateway.call('GET', '/admin/v1/users', { token });
const stranger = providerKey('one');

const attacks: Readonly<Record<string, () => string | Promise<string>>> = {
  'an expired token': () => signed(header(), claims({ iat: seconds() - 600, exp: seconds() - 60 })),
  'a token of the future': () => signed(header(), claims({ iat: seconds() + 600, exp: seconds() + 660 })),
  'a token that begins in the future': () => signed(header(), claims({ nbf: seconds() + 600 })),
  'no expiry': () => signed(header(), claims({ exp: undefined })),
  'no time of issue': () => signed(header(), claims({ iat: undefined })),
  'a life of years': () => signed(header(), claims({ exp: seconds() + 100_000_000 })),
  'another audience': () => signed(header(), claims({ aud: 'another' })),
  'no audience': () => signed(header(), claims({ aud: undefined })),
  'another issuer': () => signed(header(), claims({ iss: 'https://evil.example' })),
  'an issuer that is spelt almost alike': () => signed(header(), claims({ iss: `${iam.issuer}/` })),
  'the name of this very control plane': () => signed(header(), claims({ iss: 'api-gateway', sub: 'user:usr_1', roles: ['admin'] })),
  'this control plane’s key for the issuer’s token': () => signed(header({ alg: 'EdDSA', kid: stage.gateway.key.kid }), claims()),
  'no subject': () => signed(header(), claims({ sub: undefined })),
  'a subject that is no text': () => signed(header(), claims({ sub: ['ann'] })),
  'alg none': () => signed(header({ alg: 'none' }), claims(), () => ''),
  'alg none, with a right signature': () => signed(header({ alg: 'none' }), claims()),
  'HS256 with the public key': () =>
    signed(header({ alg: 'HS256' }), claims(), (text) => createHmac('sha256', publicPem()).update(text).digest('base64url')),
  'an algorithm that is not allowed': () => signed(header({ alg: 'RS512' }), claims(), rsa(own(), 'RSA-SHA512')),
  'no kid': () => signed(header({ kid: undefined }), claims()),
  'an empty kid': () => signed(header({ kid: '' }), claims()),
  'an unknown kid': () => signed(header({ kid: 'two' }), claims()),
  'a kid that is a path': () => signed(header({ kid: '../../etc/passwd' }), claims()),
  'a kid that every object has': () => signed(header({ kid: '__proto__' }), claims()),
  'a kid that is no text': () => signed(header({ kid: { $ne: null } }), claims()),
  'a stranger’s key of the same name': () => signed(header(), claims(), rsa(stranger)),
  'a key in the token': () =>
    signed(header({ jwk: createPublicKey(stranger.privateKey).export({ format: 'jwk' }) }), claims(), rsa(stranger)),
  'a key set at a URL': () => signed(header({ jku: 'http://127.0.0.1:9/keys' }), claims(), rsa(stranger)),
  'a critical header that is not known': () => signed(header({ crit: ['exp2'], exp2: 1 }), claims()),
  'an id token': async () => (await iam.tokens('ann')).id_token,
  'a token without the type of access tokens': () => signed(header({ typ: 'JWT' }), claims()),
  'a logout token': () => signed(header({ typ: 'logout+jwt' }), claims({ events: {} })),
  'a logout token by the type of access tokens': () => signed(header(), claims({ events: {} })),
  'an id token by the type of access tokens': () => signed(header(), claims({ nonce: 'x' })),
  'a refresh token by its use': () => signed(header(), claims({ token_use: 'refresh' })),
  'no signature': () => `${part(header())}.${part(claims())}.`,
  'a payload that was changed': () => {
    const [head = '', , signature = ''] = signed(header(), claims({ groups: [] })).split('.');
    return `${head}.${part(claims())}.${signature}`;
  },
};

describe('a forged token of the external issuer', () => {
  it('differs from one that is taken by the forgery alone', async () => {
    expect((await call(signed(header(), claims()))).status).toBe(200);
    expect((await call((await iam.tokens('ann')).access_token)).status).toBe(200);
  });

  it.each(Object.keys(attacks))('is refused: %s', async (name) => {
    const token = (await attacks[name]?.()) ?? '';
    const answer = await call(token);
    expect([answer.status, answer.body['code']]).toEqual([401, 'unauthenticated']);
    expect(JSON.stringify(answer.body)).not.toContain(token.slice(0, 40));
  });

  it('makes nobody ask for keys more than once in three seconds', async () => {
    const [before, since] = [iam.asked.keys, performance.now()];
    for (let n = 0; n < 60; n += 1) await call(signed(header({ kid: `forged-${String(n)}` }), claims()));
    expect(iam.asked.keys - before).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - since) / 3_000));
  });
});

describe('the issuer’s keys', () => {
  it('rotate with an overlap, and those that it takes back are trusted no more', async () => {
    const [one, two] = [own(), providerKey('two')];
    const port = Number(new URL(iam.issuer).port);
    const byOne = signed(header(), claims());
    const restart = async (keys: readonly ProviderKey[]) => {
      await iam.stop();
      iam = await startOpenIdProvider([redirect], { port, keys });
      iam.accounts.set('ann', { email: 'ann@corp.test', groups: ['bosses'] });
    };
    /** Until the gateway has asked again, which it does at most every three seconds. */
    const becomes = async (token: string, status: number) => {
      for (const until = Date.now() + 90_000; (await call(token)).status !== status;)
        if (Date.now() > until) throw new Error(`the token was not answered ${String(status)} in time`);
        else await new Promise((resolve) => setTimeout(resolve, 100));
    };
    // While the issuer is down, keys that are known go on being trusted.
    await iam.stop();
    expect((await call(byOne)).status).toBe(200);
    iam = await startOpenIdProvider([redirect], { port, keys: [one] });
    await restart([two, one]);
    const { access_token: byTwo } = await iam.tokens('ann');
    await becomes(byTwo, 200);
    expect((await call(byOne)).status).toBe(200);
    await restart([providerKey('three'), two]);
    await becomes((await iam.tokens('ann')).access_token, 200);
    expect((await call(signed(header(), claims(), rsa(one)))).status).toBe(401);
    expect((await call(byTwo)).status).toBe(200);
  }, 240_000);
});

describe('an issuer that can’t be asked', () => {
  it.each([
    ['is down', 'http://127.0.0.1:9', '127.0.0.0/8'],
    ['may not be called', 'http://169.254.169.254', ''],
  ])('%s: answered 503, and the break-glass admin goes on', async (_name, issuer, cidrs) => {
    const settings = { id: 'iam', issuer, audience: 'fairlead', roles: {} };
    const gateway = await stage.gateway.another({ TOKEN_ISSUER: JSON.stringify(settings), OUTBOUND_ALLOW_CIDRS: cidrs });
    try {
      const ask = async (token: string) => {
        const answer = await fetch(`${gateway.httpUrl}/admin/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } });
        return [answer.status, ((await answer.json()) as Json)['code']];
      };
      expect(await ask(signed(header(), claims({ iss: issuer })))).toEqual([503, 'service_unreachable']);
      expect(await ask(stage.admin)).toEqual([200, undefined]);
    } finally {
      await gateway.stop();
    }
  });
});
