import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';
import { createExternalTokens } from './external-tokens.js';

const issuer = 'https://iam.example.org';
const discovery = `${issuer}/.well-known/openid-configuration`;

async function keyPair(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const sign = () =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience('fairlead')
      .setSubject('ann')
      .setIssuedAt()
      .setExpirationTime('10 minutes')
      .sign(privateKey);
  return { sign, publicJwk: { ...(await exportJWK(publicKey)), kid }, privateJwk: { ...(await exportJWK(privateKey)), kid } };
}

/** An issuer whose answers and whose time a test sets. */
function stage(jwksUrl?: string) {
  const asked: string[] = [];
  const at = { ms: 0 };
  const answers: Record<string, unknown> = { [discovery]: { issuer, jwks_uri: `${issuer}/keys` }, [`${issuer}/keys`]: { keys: [] } };
  const read = (url: string) => {
    asked.push(url);
    return answers[url] === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(JSON.stringify(answers[url]));
  };
  const tokens = createExternalTokens({
    ...{ issuer, audience: 'fairlead', algorithms: ['ES256'], type: 'at+jwt', clockSkewSeconds: 30, maxLifetimeSeconds: 3_600 },
    ...{ jwksUrl, read, nowMs: () => at.ms },
  });
  const publish = (...keys: JWK[]) => {
    answers[`${issuer}/keys`] = { keys };
  };
  const verdict = async (token: string) =>
    tokens.verify(token).then(
      ({ sub }) => sub,
      (error: unknown) => (error as { code: string }).code,
    );
  return { asked, at, answers, publish, verdict };
}

describe('the keys of an external issuer', () => {
  it('are found by its configuration, or where a setting says, and asked for once by many', async () => {
    const one = await keyPair('one');
    const found = stage();
    found.publish(one.publicJwk);
    const token = await one.sign();
    expect(await Promise.all([1, 2, 3].map(() => found.verdict(token)))).toEqual(['ann', 'ann', 'ann']);
    expect(found.asked).toEqual([discovery, `${issuer}/keys`]);
    const told = stage(`${issuer}/keys`);
    told.publish(one.publicJwk);
    expect([await told.verdict(token), told.asked]).toEqual(['ann', [`${issuer}/keys`]]);
  });

  it('are never those of an issuer that calls itself otherwise', async () => {
    const one = await keyPair('one');
    const found = stage();
    found.publish(one.publicJwk);
    found.answers[discovery] = { issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` };
    expect(await found.verdict(await one.sign())).toBe('service_unreachable');
  });

  it('rotate with an overlap; one that is taken back is trusted for a minute at most', async () => {
    const [one, two] = [await keyPair('one'), await keyPair('two')];
    const [byOne, byTwo] = [await one.sign(), await two.sign()];
    const found = stage();
    found.publish(one.publicJwk);
    expect(await found.verdict(byOne)).toBe('ann');
    found.publish(one.publicJwk, two.publicJwk);
    found.at.ms = 5_000;
    expect([await found.verdict(byTwo), await found.verdict(byOne)]).toEqual(['ann', 'ann']);
    found.publish(two.publicJwk);
    found.at.ms = 64_000;
    expect(await found.verdict(byOne)).toBe('ann');
    found.at.ms = 66_000;
    expect([await found.verdict(byOne), await found.verdict(byTwo)]).toEqual(['unauthenticated', 'ann']);
  });

  it('are asked for once in three seconds at most, whatever tokens name, and whether or not there is an answer', async () => {
    const [one, two] = [await keyPair('one'), await keyPair('two')];
    const found = stage(`${issuer}/keys`);
    found.publish(one.publicJwk);
    for (let n = 0; n < 100; n += 1) expect(await found.verdict(await two.sign())).toBe('unauthenticated');
    expect(found.asked).toHaveLength(1);
    found.answers[`${issuer}/keys`] = undefined;
    found.at.ms = 3_000;
    for (let n = 0; n < 100; n += 1) await found.verdict(await two.sign());
    expect(found.asked).toHaveLength(2);
  });

  it('go on for an hour while the issuer is down, and no longer', async () => {
    const one = await keyPair('one');
    const token = await one.sign();
    const found = stage();
    found.publish(one.publicJwk);
    expect(await found.verdict(token)).toBe('ann');
    found.answers[discovery] = undefined;
    found.at.ms = 3_599_000;
    expect(await found.verdict(token)).toBe('ann');
    found.at.ms = 3_601_000;
    expect(await found.verdict(token)).toBe('service_unreachable');
  });

  it('are public, meant for signatures, and each alone under its id', async () => {
    const [one, two] = [await keyPair('one'), await keyPair('one')];
    const token = await one.sign();
    for (const keys of [
      [one.publicJwk, two.publicJwk],
      [one.privateJwk],
      [{ ...one.publicJwk, use: 'enc' }],
      [{ kty: 'oct', kid: 'one', k: 'c2VjcmV0' }],
      [null],
    ] as JWK[][]) {
      const found = stage();
      found.publish(...keys);
      expect(await found.verdict(token)).toBe('unauthenticated');
    }
    const many = stage();
    many.publish(...Array.from({ length: 51 }, () => one.publicJwk));
    expect(await many.verdict(token)).toBe('service_unreachable');
  });
});
