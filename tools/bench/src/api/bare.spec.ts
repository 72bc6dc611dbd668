import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey } from '@fairlead/auth';
import type { Role } from '@fairlead/contracts';
import { startBare } from './bare.js';

const lines: string[] = [];
/** A line is written when its answer has gone out, which may be after it has come in. */
const twoLines = Promise.withResolvers<undefined>();
const destination = new Writable({
  write(chunk: Buffer, _encoding, done) {
    lines.push(chunk.toString());
    if (lines.length === 2) twoLines.resolve(undefined);
    done();
  },
});
const path = '/admin/v1/tenants';
let bare: Awaited<ReturnType<typeof startBare>>;
let ours: Awaited<ReturnType<typeof generateSigningKey>>;

const tokenOf = async (key: typeof ours, ...roles: Role[]) =>
  (await createTokenSigner(key)).signUser({ userId: 'usr_a', email: 'a@example.com', roles }, 60);

const ask = async (query: string, token?: string) => {
  const response = await fetch(`${bare.url}${path}${query}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.text() };
};

beforeAll(async () => {
  ours = await generateSigningKey('api-gateway');
  const databaseUrl = 'postgres://nobody@127.0.0.1:9/none';
  const jwks = { keys: [ours.publicJwk] };
  bare = await startBare({ databaseUrl, poolSize: 1, jwks, whoami: {}, bodies: { [path]: '{"items":[]}' } }, destination);
});

afterAll(() => bare.stop());

describe('the bare app', () => {
  it('answers who has a token and the role, and logs a line of each request', async () => {
    const token = await tokenOf(ours, 'admin');
    expect(await ask('?limit=5', token)).toEqual({ status: 200, body: '{"items":[]}' });
    expect(await ask('?limit=5', token)).toMatchObject({ status: 200 });
    await twoLines.promise;
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({ method: 'GET', route: path, status: 200, principal: 'user:usr_a' });
    expect(lines.join('')).not.toContain(token);
  });

  it('really looks at the token, the role and the query', async () => {
    const token = await tokenOf(ours, 'admin');
    const forged = await tokenOf({ ...(await generateSigningKey('api-gateway')), publicJwk: ours.publicJwk }, 'admin');
    const other = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    for (const bad of [undefined, forged, other, 'none']) expect(await ask('', bad)).toMatchObject({ status: 401 });
    expect(await ask('', await tokenOf(ours, 'viewer'))).toMatchObject({ status: 403 });
    for (const query of ['?limit=0', '?limit=x', '?limitless=5']) expect(await ask(query, token)).toMatchObject({ status: 400 });
  });
});
