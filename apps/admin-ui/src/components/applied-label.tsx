import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.js';
import type { AppliedPlacement } from '../api/types.js';

/** How far a gateway has followed the placement. */
export function AppliedLabel({ applied }: { readonly applied: AppliedPlacement | undefined }) {
  const { data: placement } = useQuery(queries.placement());
  if (applied === undefined) return <>–</>;
  if (!applied.alive) return <StatusIndicator type="error">{applied.problem ?? 'Does not answer'}</StatusIndicator>;
  const behind = placement !== undefined && (applied.epoch < placement.epoch || applied.revision < placement.revision);
  return (
    <StatusIndicator type={behind ? 'warning' : 'success'}>
      Revision {applied.revision}
      {behind && ` of ${placement.revision}`}
    </StatusIndicator>
  );
}
