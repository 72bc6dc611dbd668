/** A published state: a higher epoch wins, within one the higher revision. */
export interface Version {
  readonly epoch: number;
  readonly revision: number;
}

/** Negative when `a` is older than `b`, 0 when they are the same. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch - b.epoch || a.revision - b.revision;
}

/** What the database says: the truth, and which bucket (by its creation time) it was last published to. */
export interface OwnState extends Version {
  readonly bucketCreated: string | null;
}

/** What the KV bucket holds; undefined when there is no bucket or nothing complete in it. */
export type KnownState = (Version & { readonly bucketCreated: string }) | undefined;

/**
 * The epoch to raise to before anything is published, or undefined when none is due. It is due when the bucket we
 * published to is gone or another one stands in its place, and when the bucket knows a state newer than ours, or
 * holds other content under our very version (`conflict`; the database was restored in both cases): readers would
 * ignore what we publish. `known` must have been read before `own`, else a revision that another replica published
 * in between looks newer than the truth.
 */
export function epochToRaise(own: OwnState, known: KnownState, conflict?: Version): number | undefined {
  const replaced = own.bucketCreated !== null && known?.bucketCreated !== own.bucketCreated;
  const ahead = known !== undefined && compareVersions(known, own) > 0;
  const conflicting = conflict !== undefined && compareVersions(conflict, own) === 0;
  return replaced || ahead || conflicting ? Math.max(own.epoch, known?.epoch ?? 0) + 1 : undefined;
}
