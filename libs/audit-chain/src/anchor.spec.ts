import { beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, createTokenVerifier } from '@fairlead/auth';
import { anchorLine, canonicalRow, genesis, heldUntil, linksOf, verifyAnchorLine, type WholeAnchor } from './index.js';
import { rowAt, signer, type Signer } from './chain.fixture.js';

let audit: Signer;
let anchor: WholeAnchor;

beforeAll(async () => {
  audit = await signer();
  anchor = await audit.sign({
    links: linksOf(
      genesis,
      [1, 2, 3].map((at) => canonicalRow(rowAt(at))),
    ),
    from: 1,
    to: 3,
  });
});

describe('an anchor', () => {
  it('is read as it was signed', async () => {
    expect(await verifyAnchorLine(anchorLine(anchor), audit.verify)).toEqual(anchor);
  });

  it('is not an access token, nor the other way round', async () => {
    const tokens = createTokenVerifier({ jwks: audit.jwks });
    await expect(tokens.verify(anchor.jws)).rejects.toMatchObject({ code: 'unauthenticated' });
    const token = await (await createTokenSigner({ privateJwk: audit.privateJwk })).serviceToken();
    await expect(audit.verify(token)).rejects.toMatchObject({ kind: 'anchor_unreadable' });
  });

  it('is refused with other leaves, another key, or anything changed', async () => {
    const line = anchorLine(anchor);
    const refused = async (text: string) =>
      verifyAnchorLine(text, audit.verify).catch((error: unknown) => (error as { kind: string }).kind);
    expect(await refused(anchorLine({ ...anchor, leaves: Buffer.alloc(48) }))).toBe('anchor_leaves_wrong');
    expect(await refused(anchorLine({ ...anchor, leaves: anchor.leaves.subarray(16) }))).toBe('anchor_leaves_wrong');
    const [header = '', payload = '', signature = ''] = anchor.jws.split('.');
    const other = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('"position":3', '"position":2')).toString('base64url');
    expect(await refused(line.replace(payload, other))).toBe('anchor_signature_wrong');
    expect(
      await refused(
        line.replace(
          signature,
          signature.replace(/./, (first) => (first === 'A' ? 'B' : 'A')),
        ),
      ),
    ).toBe('anchor_signature_wrong');
    const none = Buffer.from('{"alg":"none","typ":"fairlead-audit-anchor+jws","kid":"audit.x"}').toString('base64url');
    expect(await refused(line.replace(header, none))).toBe('anchor_signature_wrong');
    for (const text of ['', '{}', 'x', line.slice(0, -1), `${line} x`, '{"anchor":"a.b.c","leaves":""}'])
      expect([text, await refused(text)]).toEqual([text, 'anchor_unreadable']);
    const strangers = await signer();
    await expect(verifyAnchorLine(line, strangers.verify)).rejects.toMatchObject({ kind: 'anchor_signature_wrong' });
  });
});

describe('an incarnation', () => {
  it('holds up to where a later one began', () => {
    const lineage = [
      { incarnation: 'a', after: 0 },
      { incarnation: 'b', after: 60 },
      { incarnation: 'c', after: 40 },
    ];
    expect(['a', 'b', 'c', 'x'].map((one) => heldUntil(lineage, one))).toEqual([40, 40, Number.MAX_SAFE_INTEGER, 0]);
  });
});
