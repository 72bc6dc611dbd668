import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.js';
import { healthOf } from '../fleet.js';

/** How a shard's endpoints are, all in all, as last probed. */
export function ShardHealth({ kind, shardId }: { readonly kind: string; readonly shardId: string }) {
  const { data, error } = useQuery(queries.snapshot());
  if (data === undefined) return <div>{error === null ? 'Looking' : <StatusIndicator type="info">Health unknown</StatusIndicator>}</div>;
  const { type, text } = healthOf(data.endpoints.filter((endpoint) => endpoint.kind === kind && endpoint.shard_id === shardId));
  return (
    <div>
      <StatusIndicator type={type}>{text}</StatusIndicator>
    </div>
  );
}
