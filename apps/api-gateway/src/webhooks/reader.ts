import { common, granted, grantsOfClaim } from '@fairlead/auth';
import type { Reader } from '../domain/audience.js';
import { grantsOfHeld } from '../domain/held-roles.js';
import type { Ownership } from '../store/webhooks.js';

/** What a webhook may read: what both its maker could when they last set it, and its user may now. */
export function readerOf({ grants, held }: Ownership): Reader {
  return granted(common(grantsOfClaim(grants), grantsOfHeld(held)));
}
