/** Verifies the segments of a folder by themselves: no server, no database. */
import type { AnchorVerifier, Life } from './anchor.js';
import { SegmentFault, type ManifestVerifier, type SegmentFaultKind, type SignedManifest } from './segment.js';
import { checkSegment, manifestsIn, readManifest } from './segment-folder.js';

export interface SegmentsFinding {
  /** The manifest that it is about; undefined when it is about the folder. */
  readonly manifest: string | undefined;
  readonly kind: SegmentFaultKind;
  readonly message: string;
}

export interface SegmentsReport {
  /** Segments that were found to be what was sealed. */
  readonly segments: number;
  /** The events that they hold, without a gap; both 0 when there are none. */
  readonly from: number;
  readonly to: number;
  /** The chain's hash in front of them and behind them. */
  readonly prior: string;
  readonly hash: string;
  /** What broke first, if anything did. */
  readonly finding: SegmentsFinding | undefined;
  /** The keys that signed the manifests. */
  readonly kids: readonly string[];
  /** Incarnations that began by a restore: events that had been anchored are gone. */
  readonly restored: readonly Life[];
}

/** Verifies all segments of a folder, in order, each against its anchors and the one before; answers the first thing that is wrong. */
export async function verifySegments(options: {
  readonly folder: string;
  readonly verifyAnchor: AnchorVerifier;
  readonly verifyManifest: ManifestVerifier;
  /** Told of each segment that was found to be as it was. */
  readonly onChecked?: (manifest: SignedManifest) => void;
}): Promise<SegmentsReport> {
  const { folder, verifyAnchor: verify, verifyManifest, onChecked } = options;
  const kids = new Set<string>();
  const restored = new Map<string, Life>();
  let [first, last]: (SignedManifest | undefined)[] = [];
  let [segments, at]: [number, string | undefined] = [0, undefined];
  const report = (finding?: SegmentsFinding): SegmentsReport => ({
    ...{ segments, from: first?.from ?? 0, to: last?.to ?? 0, prior: first?.prior ?? '', hash: last?.hash ?? '' },
    ...{ finding, kids: [...kids], restored: [...restored.values()] },
  });
  try {
    for (const name of await manifestsIn(folder)) {
      at = name;
      const manifest = await readManifest(folder, name, verifyManifest);
      if (last !== undefined && (manifest.from !== last.to + 1 || manifest.prior !== last.hash))
        throw new SegmentFault(
          'segment_gap',
          `it begins at position ${manifest.from}, and does not go on from the segment before, which ends at ${last.to}: one is missing, or they are of two histories`,
        );
      for (const life of await checkSegment({ folder, verify }, manifest)) restored.set(life.incarnation, life);
      first ??= manifest;
      last = manifest;
      segments += 1;
      kids.add(manifest.kid);
      onChecked?.(manifest);
    }
  } catch (error) {
    if (!(error instanceof SegmentFault)) throw error;
    return report({ manifest: at, kind: error.kind, message: error.message });
  }
  return report();
}
