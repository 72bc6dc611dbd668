import { topology } from '@fairlead/contracts';

/** Where placement is found on NATS. */
export interface PlacementNames {
  /** The KV bucket. */
  readonly bucket: string;
  /** The core subject that increments are told on. */
  readonly increments: string;
}

/** The names of an installation, by its namespace: `''` for the default one. */
export function placementNames(namespace = ''): PlacementNames {
  const { buckets, subjects } = topology(namespace);
  return { bucket: buckets.placement.name, increments: subjects.placementIncrements };
}
