/**
 * Sealed segments of the trail: a range of events as the lines of an export, compressed, in a file of its own, and a manifest
 * beside it that says what the file holds, signed with the audit service's key. docs/audit.md has their form.
 */
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK, type CryptoKey } from 'jose';
import { z } from 'zod';
import { issuerOf, type Jwks, type PrivateJwk } from '@fairlead/auth';
import { canonicalJson } from './canonical.js';

/** What tells a manifest from an anchor and from everything else that is signed with a service's key. */
export const segmentType = 'fairlead-audit-segment+jws';
const issuer = 'audit';

/** How many events a segment has at most. */
export const maxSegmentEvents = 100_000;
/** Longer manifests are none. */
export const maxManifestBytes = 16_384;

const position = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const hex = z.hex().length(64);
const bytes = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const manifestSchema = z
  .strictObject({
    segment: z.literal('fairlead-audit'),
    v: z.literal(1),
    /** The range of events, inclusive. */
    from: position,
    to: position,
    /** The chain's hash in front of the first event and behind the last. */
    prior: hex,
    hash: hex,
    incarnation: z.string().max(64),
    /** When the first and the last event were recorded. */
    first_time: z.string().max(64),
    last_time: z.string().max(64),
    /** The file beside the manifest, its size and SHA-256, and the size of the lines in it. */
    file: z.string().regex(/^[\w.-]{1,200}$/),
    bytes,
    sha256: hex,
    lines_bytes: bytes,
    sealed_at: z.iso.datetime(),
  })
  .refine(({ from, to }) => from <= to && to - from < maxSegmentEvents);

/** What a manifest says. */
export type SegmentManifest = Omit<z.output<typeof manifestSchema>, 'segment' | 'v'>;

const fileSchema = z.strictObject({ manifest: z.unknown(), jws: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/) });

export type SegmentFaultKind =
  'segment_missing' | 'segment_unreadable' | 'segment_signature_wrong' | 'segment_file_wrong' | 'segment_broken' | 'segment_gap';

/** A segment that proves nothing. */
export class SegmentFault extends Error {
  constructor(
    readonly kind: SegmentFaultKind,
    message: string,
  ) {
    super(message);
    this.name = 'SegmentFault';
  }
}

/** The names of a segment's files: its range, and of which chain it is, so that what another history left is never written over. */
export function segmentName({ from, to, hash }: Pick<SegmentManifest, 'from' | 'to' | 'hash'>): string {
  const padded = (at: number) => String(at).padStart(12, '0');
  return `trail-${padded(from)}-${padded(to)}-${hash.slice(0, 16)}`;
}

/** The end of a manifest's name, behind the segment's. */
export const manifestEnd = '.manifest.json';

/** Makes the function that signs manifests with a service's key: the text of the manifest's file. */
export async function createSegmentSigner(jwk: PrivateJwk): Promise<(manifest: SegmentManifest) => Promise<string>> {
  const key = (await importJWK(jwk, 'EdDSA')) as CryptoKey;
  return async (given) => {
    const manifest = manifestSchema.parse({ segment: 'fairlead-audit', v: 1, ...given });
    const jws = await new CompactSign(Buffer.from(canonicalJson(manifest)))
      .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid, typ: segmentType })
      .sign(key);
    return `${canonicalJson({ jws, manifest })}\n`;
  };
}

/** A manifest that the audit service has signed. */
export interface SignedManifest extends SegmentManifest {
  /** The key that signed it. */
  readonly kid: string;
}

export type ManifestVerifier = (text: string) => Promise<SignedManifest>;

/** Makes the function that reads a manifest's file and throws SegmentFault unless the audit service has signed just what it shows. */
export function createManifestVerifier(jwks: Jwks): ManifestVerifier {
  const keys = new Map(jwks.keys.filter(({ kid }) => issuerOf(kid) === issuer).map((jwk) => [jwk.kid, importJWK(jwk, 'EdDSA')]));
  return async (text) => {
    const { manifest: shown, jws } = fileOf(text);
    const kid = kidOf(jws);
    const key = await keys.get(kid);
    if (key === undefined)
      throw new SegmentFault(
        'segment_signature_wrong',
        `the manifest names the key ${kid}, which is none of the keys of audit that are trusted`,
      );
    let signed: string;
    try {
      signed = Buffer.from((await compactVerify(jws, key, { algorithms: ['EdDSA'] })).payload).toString();
    } catch {
      throw new SegmentFault('segment_signature_wrong', `the manifest was not signed with the key ${kid}`);
    }
    if (canonicalJson(shown) !== signed)
      throw new SegmentFault('segment_signature_wrong', 'the manifest shows something else than was signed');
    const parsed = manifestSchema.safeParse(shown);
    if (!parsed.success) throw new SegmentFault('segment_unreadable', 'the manifest does not have the form of one');
    const { segment: _, v: __, ...manifest } = parsed.data;
    return { ...manifest, kid };
  };
}

function fileOf(text: string): z.output<typeof fileSchema> {
  const parsed = fileSchema.safeParse(text.length > maxManifestBytes ? undefined : jsonOf(text));
  if (!parsed.success) throw new SegmentFault('segment_unreadable', 'the file is no manifest of a segment');
  return parsed.data;
}

function kidOf(jws: string): string {
  try {
    const { typ, kid } = decodeProtectedHeader(jws);
    if (typ === segmentType && typeof kid === 'string') return kid;
  } catch {
    // Told below.
  }
  throw new SegmentFault('segment_unreadable', 'what is signed is no manifest of a segment');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
