import { describe, expect, it } from '@jest/globals';
import { createRemoteKeys, createTokenSigner, createTokenVerifier, generateSigningKey, type Jwks } from './index.js';

/** A key set that is read from far, and a clock. */
function stage() {
  const far = { keys: [] as Jwks['keys'], reads: 0, away: false };
  let now = 1_000_000;
  const source = createRemoteKeys('http://unused', 'api-gateway', {
    nowMs: () => now,
    read: () => {
      far.reads += 1;
      return far.away ? Promise.reject(new Error('away')) : Promise.resolve(JSON.stringify({ keys: far.keys }));
    },
  });
  return {
    far,
    source,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('keys that are read from far', () => {
  it('are read at the first token of a new key, and then kept', async () => {
    const { far, source, pass } = stage();
    const [first, second] = [await generateSigningKey('api-gateway'), await generateSigningKey('api-gateway')];
    far.keys = [first.publicJwk];
    expect(await source.find(first.publicJwk.kid)).toEqual(first.publicJwk);
    pass(10_000);
    expect([await source.find(first.publicJwk.kid), far.reads]).toEqual([first.publicJwk, 1]);
    far.keys = [first.publicJwk, second.publicJwk];
    expect(await source.find(second.publicJwk.kid)).toEqual(second.publicJwk);
    expect(far.reads).toBe(2);
  });

  it('are read again for unknown ids every three seconds at most, and for those of another issuer never', async () => {
    const { far, source, pass } = stage();
    for (let second = 0; second < 60; second += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => source.find(`api-gateway.forged-${String(second)}-${String(index)}`)));
      await source.find('placement.forged');
      pass(1_000);
    }
    expect(far.reads).toBe(20);
  });

  it('end within a minute of when they are not told any more', async () => {
    const { far, source, pass } = stage();
    const { publicJwk } = await generateSigningKey('api-gateway');
    far.keys = [publicJwk];
    await source.find(publicJwk.kid);
    far.keys = [];
    pass(61_000);
    expect(await source.find(publicJwk.kid)).toBeUndefined();
  });

  it('stay while they can not be read', async () => {
    const { far, source, pass } = stage();
    const { publicJwk } = await generateSigningKey('api-gateway');
    far.keys = [publicJwk];
    await source.find(publicJwk.kid);
    far.away = true;
    pass(3_600_000);
    expect(await source.find(publicJwk.kid)).toEqual(publicJwk);
  });

  it('speak for users and for no service, and only when they are of the issuer', async () => {
    const { far, source } = stage();
    const [gateway, other] = [await generateSigningKey('api-gateway'), await generateSigningKey('placement')];
    far.keys = [gateway.publicJwk, other.publicJwk];
    const verifier = createTokenVerifier({ jwks: { keys: [] }, userKeys: source });
    const [signer, stranger] = [await createTokenSigner(gateway), await createTokenSigner(other)];
    const user = { userId: 'usr_1', email: 'ann@example.com', roles: ['viewer'] as const };
    expect(await verifier.verify(await signer.signUser(user, 60))).toMatchObject({ id: 'user:usr_1' });
    await expect(verifier.verify(await signer.serviceToken())).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(verifier.verify(await stranger.serviceToken())).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
