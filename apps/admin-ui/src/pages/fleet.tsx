import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { serviceKinds, type ServiceKind } from '@fairlead/contracts/browser';
import { queries } from '../api/queries.js';
import type { AppliedPlacement, EndpointHealth, Shard } from '../api/types.js';
import { AppliedLabel } from '../components/applied-label.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { ProblemAlert } from '../components/problem-alert.js';
import { HealthLabel } from '../components/status.js';
import { Time } from '../components/time.js';
import { formatCount, formatDuration, formatName } from '../format.js';
import { listPath } from '../links.js';

interface Row {
  readonly shard: Shard;
  readonly endpoint: { endpoint_id: string; url: string };
  readonly health: EndpointHealth | undefined;
  readonly applied: AppliedPlacement | undefined;
}

const columns: readonly TableProps.ColumnDefinition<Row>[] = [
  { id: 'shard', header: 'Shard', minWidth: 120, cell: ({ shard }) => shard.shard_id, isRowHeader: true },
  {
    id: 'health',
    header: 'Health',
    minWidth: 110,
    cell: ({ health }) =>
      health === undefined ? (
        'Not probed yet'
      ) : (
        <span title={health.taken_at === null ? undefined : `asked ${health.taken_at}`}>
          <HealthLabel endpoint={health} />
          {health.problem !== null && <Box fontSize="body-s">{health.problem}</Box>}
        </span>
      ),
  },
  { id: 'state', header: 'State', cell: ({ shard }) => formatName(shard.state) },
  { id: 'endpoint', header: 'Endpoint', minWidth: 130, cell: ({ endpoint }) => <span title={endpoint.url}>{endpoint.endpoint_id}</span> },
  { id: 'version', header: 'Version', cell: ({ health }) => health?.version ?? '–' },
  { id: 'inflight', header: 'In work', cell: ({ health }) => health?.inflight ?? '–' },
  { id: 'lag', header: 'Lag', cell: ({ health }) => health?.lag ?? '–' },
  { id: 'latency', header: 'Answered in', cell: ({ health }) => (health?.reachable === true ? formatDuration(health.latency_ms) : '–') },
];

const ofTenants: TableProps.ColumnDefinition<Row> = {
  id: 'tenants',
  header: 'Tenants',
  cell: ({ shard }) => <PageLink href={listPath('/tenants', { kind: shard.kind, shard_id: shard.shard_id })}>{shard.tenants}</PageLink>,
};
const ofGateways: TableProps.ColumnDefinition<Row> = {
  id: 'applied',
  header: 'Applied placement',
  minWidth: 170,
  cell: ({ applied }) => <AppliedLabel applied={applied} />,
};

/** Every endpoint of the managed services by kind and shard, as last probed. */
export default function FleetPage() {
  const shards = useQuery(queries.shards());
  const snapshot = useQuery(queries.snapshot());
  const applied = useQuery(queries.appliedPlacement());
  const failed = [
    { what: 'The shards could not be loaded', query: shards },
    { what: 'The health of the fleet could not be loaded', query: snapshot },
    { what: 'What the gateways have applied could not be loaded', query: applied },
  ].filter(({ query }) => query.error !== null);
  const rowsOf = (kind: ServiceKind): Row[] =>
    (shards.data?.items ?? [])
      .filter((shard) => shard.kind === kind)
      .flatMap((shard) =>
        shard.endpoints.map((endpoint) => ({
          shard,
          endpoint,
          health: snapshot.data?.endpoints.find(
            (one) => one.kind === kind && one.shard_id === shard.shard_id && one.endpoint_id === endpoint.endpoint_id,
          ),
          applied: applied.data?.gateways.find((one) => one.shard_id === shard.shard_id && one.endpoint_id === endpoint.endpoint_id),
        })),
      );
  return (
    <Page
      title="Fleet"
      description={
        <>
          The managed services, probed every few seconds, last <Time value={snapshot.data?.taken_at ?? null} />
        </>
      }
    >
      {failed.map(({ what, query }) => (
        <ProblemAlert key={what} what={what} error={query.error} onRetry={() => void query.refetch()} />
      ))}
      {(shards.isPending || shards.data !== undefined) &&
        serviceKinds.map((kind) => (
          <Table
            key={kind}
            header={
              <Header variant="h2" counter={shards.data === undefined ? undefined : `(${formatCount(rowsOf(kind).length, 'endpoint')})`}>
                {formatName(kind)}
              </Header>
            }
            columnDefinitions={[...columns, kind === 'gateway' ? ofGateways : ofTenants]}
            items={rowsOf(kind)}
            trackBy={({ shard, endpoint }) => `${shard.shard_id}/${endpoint.endpoint_id}`}
            loading={shards.isPending}
            loadingText="Loading shards"
            empty={`No shard of kind ${kind} is registered`}
            wrapLines
          />
        ))}
    </Page>
  );
}
