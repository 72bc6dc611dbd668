import type { Chain, VerifiedChain } from '../chain-api.js';
import { fields } from './table.js';
import { printable } from './text.js';

/** Where chain and anchors stand. */
export function renderChain(chain: Chain): string {
  return fields([
    ['log', chain.head],
    ['incarnation', chain.incarnation],
    ['chained up to', chain.position],
    ['lag', `${chain.lag} events, ${chain.lag_seconds.toFixed(1)} s`],
    ['hash', chain.hash],
    ['last anchor', chain.anchor === null ? 'none' : `position ${chain.anchor.position}, ${chain.anchor.time}`],
    ['signed with', chain.anchor?.kid],
    ['not anchored', `${chain.unanchored} events`],
    ['anchors are kept in', chain.kept.length === 0 ? 'the database alone' : chain.kept.join(', ')],
    ['stopped', chain.stopped],
  ]);
}

/** What a verification came to, in a few sentences. */
export function renderVerified(checked: VerifiedChain): string {
  const { anchor, broken, unanchored, position, source } = checked;
  const lines = [
    ...checked.restored.map(
      (one) =>
        `restored: incarnation ${one.incarnation} of the log began after position ${one.after}; what was anchored behind it, up to ${one.lost_until} at ${one.lost_time ?? 'some time'}, is no longer in the log`,
    ),
    ...(broken === null ? [] : [`${placeOf(broken.position)}${broken.kind}  ${broken.message}`, `  ${broken.advice}`]),
    position === 0
      ? broken === null
        ? 'there are no events to check'
        : 'no event was found to be as it was'
      : `positions 1 to ${position} are as they were recorded`,
    anchor === null
      ? 'there is no anchor: nothing but the database itself says so'
      : `the last anchor is at position ${anchor.position}, of ${anchor.time}, signed with ${anchor.kid}, read from the ${source === 'file' ? 'anchor file' : 'database'}`,
    unanchored === 0
      ? 'all events are anchored'
      : `${unanchored} events are not anchored yet, the first of ${checked.unanchored_since ?? 'an unknown time'}: a change of those can go unseen`,
    ...sealedOf(checked),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** What is known of sealed segments, once all else was checked. */
function sealedOf({ sealed_until: until = 0, segments = 0, broken }: Partial<VerifiedChain>): string[] {
  if (until === 0) return [];
  if (segments > 0 && broken === null) return [`the ${segments} sealed segments, up to position ${until}, are as they were sealed`];
  if (segments > 0) return [`${segments} sealed segments are as they were sealed`];
  return broken === null
    ? [`the trail is sealed up to position ${until}; the files were not checked: no AUDIT_SEGMENT_FOLDER is set there`]
    : [];
}

const placeOf = (position: number | null | undefined) => (position == null ? '' : `position ${position}  `);
