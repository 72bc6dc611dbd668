/**
 * Anchors: where the chain stood, signed with the audit service's key. An anchor's line carries the leaves of the events
 * since the one before; the signature covers them by their hash.
 */
import { createHash } from 'node:crypto';
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK, type CryptoKey } from 'jose';
import { z } from 'zod';
import { issuerOf, type Jwks, type PrivateJwk } from '@fairlead/auth';
import { leafBytes } from './links.js';

/** What tells an anchor from everything else that is signed with a service's key, access tokens above all. */
export const anchorType = 'fairlead-audit-anchor+jws';
const issuer = 'audit';

/** Of how many events an anchor has leaves at most; a line has some 220 KB then. */
export const maxAnchored = 10_000;
/** Longer lines are none. */
export const maxLineLength = 1_048_576;

const position = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const life = z.strictObject({
  incarnation: z.string().max(64),
  /** It shares the events up to here with the one before. */
  after: position,
  /** How far the one before had been anchored: what is behind `after` of it is no longer in the log. */
  lost: z.strictObject({ position, time: z.iso.datetime() }).optional(),
});
/** An incarnation of the log, as anchors know it. */
export type Life = z.output<typeof life>;

const payloadSchema = z.strictObject({
  v: z.literal(1),
  incarnation: z.string().max(64),
  /** The first event whose leaf it has. */
  from: position.min(1),
  /** The last one. */
  position: position.min(1),
  /** Of the chain there. */
  hash: z.base64url().length(43),
  leaves_sha256: z.base64url().length(43),
  time: z.iso.datetime(),
  /** The incarnations of the log since anchors are made, the present one last. */
  lineage: z.array(life).min(1).max(1_000),
});
export type AnchorPayload = z.output<typeof payloadSchema>;

const lineSchema = z.strictObject({ anchor: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/), leaves: z.base64() });
/** A line of an anchor file. */
export type AnchorLine = z.output<typeof lineSchema>;

export interface Anchor extends Omit<AnchorPayload, 'v' | 'hash' | 'leaves_sha256'> {
  readonly hash: Buffer;
  readonly leavesDigest: Buffer;
  /** The signed text. */
  readonly jws: string;
  /** The key that it names. */
  readonly kid: string;
}

/** An anchor whose leaves are at hand. */
export interface WholeAnchor extends Anchor {
  readonly leaves: Buffer;
}

export type AnchorFaultKind = 'anchor_unreadable' | 'anchor_signature_wrong' | 'anchor_leaves_wrong';

/** An anchor that proves nothing. */
export class AnchorFault extends Error {
  constructor(
    readonly kind: AnchorFaultKind,
    message: string,
  ) {
    super(message);
    this.name = 'AnchorFault';
  }
}

/** What is signed. */
export interface NewAnchor {
  readonly incarnation: string;
  readonly from: number;
  readonly position: number;
  readonly hash: Buffer;
  readonly leaves: Buffer;
  readonly time: Date;
  readonly lineage: readonly Life[];
}

/** Makes the function that signs anchors with a service's key. */
export async function createAnchorSigner(jwk: PrivateJwk): Promise<(anchor: NewAnchor) => Promise<WholeAnchor>> {
  const key = (await importJWK(jwk, 'EdDSA')) as CryptoKey;
  return async ({ hash, leaves, time, lineage, ...rest }) => {
    const leavesDigest = createHash('sha256').update(leaves).digest();
    const payload: AnchorPayload = {
      v: 1,
      ...rest,
      hash: hash.toString('base64url'),
      leaves_sha256: leavesDigest.toString('base64url'),
      time: time.toISOString(),
      lineage: [...lineage],
    };
    const jws = await new CompactSign(Buffer.from(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid, typ: anchorType })
      .sign(key);
    return { ...rest, time: payload.time, lineage: payload.lineage, hash, leavesDigest, leaves, jws, kid: jwk.kid };
  };
}

export type AnchorVerifier = (jws: string) => Promise<Anchor>;

/**
 * Makes the function that reads an anchor and throws AnchorFault unless the audit service has signed it, with a key of
 * the set. Other services' keys in the set sign no anchors.
 */
export function createAnchorVerifier(jwks: Jwks): AnchorVerifier {
  const keys = new Map(jwks.keys.filter(({ kid }) => issuerOf(kid) === issuer).map((jwk) => [jwk.kid, importJWK(jwk, 'EdDSA')]));
  return async (jws) => {
    const anchor = readAnchor(jws);
    const key = await keys.get(anchor.kid);
    if (key === undefined)
      throw new AnchorFault(
        'anchor_signature_wrong',
        `the anchor names the key ${anchor.kid}, which is none of the keys of audit that are trusted`,
      );
    try {
      await compactVerify(jws, key, { algorithms: ['EdDSA'] });
    } catch {
      throw new AnchorFault('anchor_signature_wrong', `the anchor was not signed with the key ${anchor.kid}`);
    }
    return anchor;
  };
}

/** Reads an anchor without asking who signed it. Throws AnchorFault. */
export function readAnchor(jws: string): Anchor {
  const { typ, kid } = headerOf(jws);
  if (typ !== anchorType || typeof kid !== 'string') throw new AnchorFault('anchor_unreadable', 'what is signed is no anchor');
  const parsed = payloadSchema.safeParse(jsonOf(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()));
  if (!parsed.success) throw new AnchorFault('anchor_unreadable', 'the anchor does not have the form of one');
  const { v: _, hash, leaves_sha256, ...payload } = parsed.data;
  if (payload.from > payload.position || payload.position - payload.from >= maxAnchored)
    throw new AnchorFault('anchor_unreadable', 'the anchor has no range of events that it could have');
  return { ...payload, hash: Buffer.from(hash, 'base64url'), leavesDigest: Buffer.from(leaves_sha256, 'base64url'), jws, kid };
}

function headerOf(jws: string): { typ?: unknown; kid?: unknown } {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    throw new AnchorFault('anchor_unreadable', 'the anchor can not be read');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A line's text, without its end. */
export function anchorLine({ jws, leaves }: Pick<WholeAnchor, 'jws' | 'leaves'>): string {
  return JSON.stringify({ anchor: jws, leaves: leaves.toString('base64') } satisfies AnchorLine);
}

/** Reads a line. Throws AnchorFault for what is none. */
export function parseAnchorLine(text: string): AnchorLine {
  const parsed = lineSchema.safeParse(text.length > maxLineLength ? undefined : jsonOf(text));
  if (!parsed.success) throw new AnchorFault('anchor_unreadable', 'the line is no anchor');
  return parsed.data;
}

/** The anchor with its leaves. Throws AnchorFault unless they are the ones that it was signed with. */
export function withLeaves(anchor: Anchor, leaves: Buffer): WholeAnchor {
  const whole = leaves.length === (anchor.position - anchor.from + 1) * leafBytes;
  if (!whole || !createHash('sha256').update(leaves).digest().equals(anchor.leavesDigest))
    throw new AnchorFault('anchor_leaves_wrong', 'the leaves beside the anchor are not the ones that it was signed with');
  return { ...anchor, leaves };
}

/** Reads a line, asks who signed it, and whether its leaves are the ones that were signed. Throws AnchorFault. */
export async function verifyAnchorLine(text: string, verify: AnchorVerifier): Promise<WholeAnchor> {
  const { anchor, leaves } = parseAnchorLine(text);
  return withLeaves(await verify(anchor), Buffer.from(leaves, 'base64'));
}

/** The leaf that an anchor has of a position. */
export function anchoredLeaf(
  { from, position: to, leaves }: Pick<WholeAnchor, 'from' | 'position' | 'leaves'>,
  at: number,
): Buffer | undefined {
  if (at < from || at > to) return undefined;
  return leaves.subarray((at - from) * leafBytes, (at - from + 1) * leafBytes);
}

/** Up to where the events of an incarnation are those of the log, by what a later anchor knows of its lives. */
export function heldUntil(lineage: readonly Life[], incarnation: string): number {
  const at = lineage.findIndex((one) => one.incarnation === incarnation);
  if (at < 0) return 0;
  return Math.min(Number.MAX_SAFE_INTEGER, ...lineage.slice(at + 1).map(({ after }) => after));
}
