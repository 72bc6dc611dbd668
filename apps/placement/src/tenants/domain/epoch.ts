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
  /** The highest epoch that readers may have seen: above our own after a restore, which takes away what was begun since the backup. */
  readonly givenEpoch: number;
}

/** What the KV bucket holds; undefined when there is no bucket or nothing complete in it. */
export type KnownState = (Version & { readonly bucketCreated: string }) | undefined;

/** A look at KV. */
export interface Look {
  /** The bucket that the database named before the look. */
  readonly expectedBucket: string | null;
  readonly known: KnownState;
}

/**
 * The epoch to raise to before anything is published, or undefined when none is due. It is due when the bucket we
 * published to is gone or another one stands in its place, and when the bucket knows a state newer than ours, or
 * holds other content under our very version (`conflict`; the database was restored in both cases): readers would
 * ignore what we publish.
 *
 * `own` is read after the look, else what another replica published in between looks newer than the truth. And a
 * bucket is missed only when the database named it before the look and still does: one that another replica has
 * made in between is no loss.
 */
export function epochToRaise(own: OwnState, { expectedBucket, known }: Look, conflict?: Version): number | undefined {
  const replaced = expectedBucket !== null && own.bucketCreated === expectedBucket && known?.bucketCreated !== expectedBucket;
  const ahead = known !== undefined && compareVersions(known, own) > 0;
  const conflicting = conflict !== undefined && compareVersions(conflict, own) === 0;
  return replaced || ahead || conflicting ? Math.max(own.epoch, own.givenEpoch, known?.epoch ?? 0) + 1 : undefined;
}
