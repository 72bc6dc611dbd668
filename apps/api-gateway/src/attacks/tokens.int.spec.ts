// Real: Postgres, NATS, the gateway with every route it has; the services behind it are scripted and verify tokens as they do.
import { createHmac, createPrivateKey, generateKeyPairSync, randomUUID, sign as signBytes, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { password, startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

let stage: IdentityStage;
let user: TestUser;
let own: KeyObject;
let bait: Server;
/** What was asked of the server that forged tokens name as the place of their keys. */
const asked: string[] = [];

beforeAll(async () => {
  stage = await startIdentityStage();
  user = await stage.newUser('admin');
  own = createPrivateKey({ key: { ...stage.gateway.key }, format: 'jwk' });
  bait = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
}, 120_000);

afterAll(async () => {
  bait.closeAllConnections();
  bait.close();
  await stage.stop();
});

type Json = Record<string, unknown>;
const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1_000);
const header = (more: Json = {}): Json => ({ alg: 'EdDSA', kid: stage.gateway.key.kid, typ: 'JWT', ...more });
const claims = (more: Json = {}): Json => ({
  ...{ iss: 'api-gateway', aud: 'fairlead', sub: `user:${user.id}`, email: user.email, roles: ['admin'] },
  ...{ iat: seconds(), exp: seconds() + 60, ...more },
});
const eddsa = (text: string, key: KeyObject = own) => signBytes(null, Buffer.from(text), key).toString('base64url');
const signed = (head: unknown, body: unknown, signature: (text: string) => string = eddsa) => {
  const text = `${part(head)}.${part(body)}`;
  return `${text}.${signature(text)}`;
};
const hmac = (secret: string) => (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
const baitUrl = () => `http://127.0.0.1:${String((bait.address() as AddressInfo).port)}`;
/** A key of the attacker's, as a token may bring it. */
const stranger = () => {
  const pair = generateKeyPairSync('ed25519');
  return { key: pair.privateKey, jwk: { ...pair.publicKey.export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig' } };
};
const byStranger = (more: (jwk: Json) => Json) => {
  const { key, jwk } = stranger();
  return signed(header(more(jwk)), claims(), (text) => eddsa(text, key));
};

/** Every forged token, by what is tried with it. */
const attacks: Readonly<Record<string, () => string>> = {
  'alg none, without a signature': () => signed(header({ alg: 'none' }), claims(), () => ''),
  'alg None in other letters': () => signed(header({ alg: 'nOnE' }), claims(), () => ''),
  'alg none, with a right signature': () => signed(header({ alg: 'none' }), claims()),
  'no alg at all': () => signed({ kid: stage.gateway.key.kid, typ: 'JWT' }, claims()),
  'HS256 with the public key as JWK': () => {
    const { d: _, ...jwk } = stage.gateway.key;
    return signed(header({ alg: 'HS256' }), claims(), hmac(JSON.stringify(jwk)));
  },
  'HS256 with the public key’s bytes': () => signed(header({ alg: 'HS256' }), claims(), hmac(stage.gateway.key.x ?? '')),
  'HS256 with an empty secret': () => signed(header({ alg: 'HS256' }), claims(), hmac('')),
  'no kid': () => signed({ alg: 'EdDSA', typ: 'JWT' }, claims(), (text) => eddsa(text, stranger().key)),
  'an unknown kid': () => signed(header({ kid: 'api-gateway.unknown' }), claims()),
  'a kid of another service': () => signed(header({ kid: 'placement.unknown' }), claims()),
  'a kid that is a path': () => signed(header({ kid: '../../../../dev/null' }), claims(), hmac('')),
  'a kid that is SQL': () => signed(header({ kid: "api-gateway.x' or '1'='1'; drop table users; --" }), claims()),
  'a kid of 7,000 letters': () => signed(header({ kid: `api-gateway.${'k'.repeat(5_000)}` }), claims()),
  'a kid that is no text': () => signed(header({ kid: { $ne: null } }), claims()),
  'a kid that every object has': () => signed(header({ kid: '__proto__' }), claims()),
  'a key in the token': () => byStranger((jwk) => ({ jwk })),
  'a key in the token, and its own kid': () => byStranger((jwk) => ({ jwk, kid: 'api-gateway.mine' })),
  'a key set at a URL': () => byStranger(() => ({ jku: `${baitUrl()}/jku`, kid: 'api-gateway.mine' })),
  'a certificate at a URL': () => byStranger(() => ({ x5u: `${baitUrl()}/x5u` })),
  'a certificate in the token': () => byStranger(() => ({ x5c: ['MIIB'] })),
  'an expired token': () => signed(header(), claims({ iat: seconds() - 600, exp: seconds() - 60 })),
  'no expiry': () => signed(header(), claims({ exp: undefined })),
  'an expiry that is no number': () => signed(header(), claims({ exp: '9999999999' })),
  'a token that begins in the future': () => signed(header(), claims({ nbf: seconds() + 600 })),
  'a token issued in the future': () => signed(header(), claims({ iat: seconds() + 3_600, exp: seconds() + 7_200 })),
  'another issuer': () => signed(header(), claims({ iss: 'placement' })),
  'an issuer from outside': () => signed(header(), claims({ iss: 'https://evil.example' })),
  'another audience': () => signed(header(), claims({ aud: 'another' })),
  'no audience': () => signed(header(), claims({ aud: undefined })),
  'a service that the key may not speak for': () => signed(header(), claims({ sub: 'service:job-orchestrator' })),
  'a payload that was changed': () => {
    const [head = '', , signature = ''] = signed(header(), claims({ roles: ['viewer'] })).split('.');
    return `${head}.${part(claims({ roles: ['admin'] }))}.${signature}`;
  },
  'a header that was changed': () => {
    const [, body = '', signature = ''] = signed(header(), claims()).split('.');
    return `${part(header({ cty: 'JWT' }))}.${body}.${signature}`;
  },
  'two signatures': () => `${signed(header(), claims())}.${eddsa('x')}`,
  'a signature that is cut': () => signed(header(), claims()).slice(0, -10),
  'no signature': () => `${part(header())}.${part(claims())}.`,
  'two parts': () => `${part(header())}.${part(claims())}`,
  'five parts, as if it were encrypted': () => `${part(header({ alg: 'dir', enc: 'A256GCM' }))}.a.b.c.d`,
  'a token of 8 KiB and more': () => signed(header(), claims({ filler: 'x'.repeat(7_000) })),
  'a critical header that is not known': () => signed(header({ crit: ['exp2'], exp2: 1 }), claims()),
  'a payload that is not encoded (b64)': () => signed(header({ crit: ['b64'], b64: false }), claims()),
  'another type': () => signed(header({ typ: 'fairlead-audit-anchor+jws' }), claims()),
  'a header that is no JSON': () => `${part('{"alg":')}.${part(claims())}.${eddsa('x')}`,
  'a payload that is no JSON': () => signed(header(), 'not json'),
  'a scope that can’t be read': () => signed(header(), claims({ scope: 'everything' })),
};

describe('a forged access token', () => {
  it('differs from one that is taken by the forgery alone', async () => {
    expect((await stage.gateway.call('GET', '/admin/v1/users', { token: signed(header(), claims()) })).status).toBe(200);
  });

  it.each(Object.keys(attacks))('is refused: %s', async (name) => {
    const token = attacks[name]?.() ?? '';
    // A look, a change, and what a service behind the gateway answers.
    for (const [method, path] of [
      ['GET', '/admin/v1/users'],
      ['POST', '/admin/v1/users'],
      ['GET', '/admin/v1/tenants'],
      ['GET', '/platform/v1/changes'],
    ] as const) {
      const answer = await stage.gateway.call(method, path, { token });
      expect([method, path, answer.status, answer.body['code']]).toEqual([method, path, 401, 'unauthenticated']);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(JSON.stringify(answer.body)).not.toContain(token.slice(0, 40));
    }
  });

  it('made nobody ask for keys, and is in no log line', async () => {
    const token = byStranger(() => ({ jku: `${baitUrl()}/once-more` }));
    await stage.gateway.call('GET', '/admin/v1/users', { token });
    expect([asked, stage.gateway.peers.calls.filter(({ method }) => method === 'listTenants')]).toEqual([[], []]);
    expect(stage.gateway.lines.join('')).not.toContain(token.split('.')[2]);
  });
});

describe('a session', () => {
  it('is never the one that a browser brought to its login', async () => {
    const planted = await stage.login(user);
    const made = { cookie: `fairlead_session=ses_${'0'.repeat(32)}.${'A'.repeat(43)}` };
    for (const cookie of [planted.cookie, made.cookie]) {
      const held = await stage.login(user, { cookie });
      expect(held.cookie).not.toBe(cookie);
      expect([held.id, held.secret]).not.toEqual([planted.id, planted.secret]);
    }
    // What was made up opens nothing after the login either.
    expect((await stage.gateway.call('POST', '/admin/v1/auth/refresh', { headers: made })).status).toBe(401);
  });

  it('is not begun, used or ended by another site’s page', async () => {
    const { cookie, token } = await stage.login(user);
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      for (const path of ['login', 'refresh', 'logout']) {
        const body = path === 'login' ? { email: user.email, password } : undefined;
        const answer = await stage.gateway.call('POST', `/admin/v1/auth/${path}`, { body, headers: { ...headers, cookie } });
        expect([path, answer.status, answer.body['code'], answer.headers.get('set-cookie')]).toEqual([
          path,
          403,
          'cross_site_request',
          null,
        ]);
      }
    }
    expect((await stage.gateway.call('POST', '/admin/v1/auth/refresh', { headers: { cookie } })).status).toBe(200);
    // The cookie alone opens nothing else: changes need the token, which no other page can read.
    const body = { email: `${randomUUID()}@example.com`, password, roles: [] };
    expect((await stage.gateway.call('POST', '/admin/v1/users', { body, headers: { cookie } })).status).toBe(401);
    expect((await stage.gateway.call('POST', '/admin/v1/users', { body, token })).status).toBe(201);
  });

  // That the next change is refused for each way a session can end, by the database at that moment, is in http/ended-callers.int.spec.ts.
  it('that was revoked changes nothing from the very next request on', async () => {
    const { id, token } = await stage.login(user);
    const other = await stage.login(user);
    expect((await stage.gateway.call('DELETE', `/admin/v1/auth/sessions/${id}`, { token: other.token })).status).toBe(204);
    const body = { email: `${randomUUID()}@example.com`, password, roles: [] };
    expect((await stage.gateway.call('POST', '/admin/v1/users', { body, token })).status).toBe(401);
  });
});
