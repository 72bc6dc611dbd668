import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asProblem } from '../api/problem.js';
import { queries } from '../api/queries.js';
import { auditColumns } from '../components/audit-columns.js';
import { jobColumns } from '../components/job-columns.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { countHealthy } from '../fleet.js';

const recent = 10;

/** How things are, at a glance, and what happened last. */
export default function OverviewPage() {
  const jobs = useQuery(queries.jobs({ limit: recent }));
  const audit = useQuery(queries.audit({ limit: recent }));
  return (
    <Page title="Overview">
      <Container header={<Header variant="h2">At a glance</Header>}>
        <div className="figures">
          <FleetFigure />
          <TenantsFigure />
          <JobsFigure />
          <PlacementFigure />
          <ControlPlaneFigure />
        </div>
      </Container>
      <ListTable
        title="Recent jobs"
        query={jobs}
        columns={jobColumns}
        keyOf={(job) => job.job_id}
        empty="No job was started yet"
        actions={<PageLink href="/jobs">All jobs</PageLink>}
      />
      <ListTable
        title="Recent audit records"
        query={audit}
        columns={auditColumns.filter(({ id }) => id !== 'reason')}
        keyOf={(record) => String(record.position)}
        empty="Nothing is recorded yet"
        actions={<PageLink href="/audit">All records</PageLink>}
      />
    </Page>
  );
}

interface FigureProps<T> {
  readonly label: string;
  readonly query: Pick<UseQueryResult<T>, 'data' | 'error'>;
  readonly children: (data: T) => ReactNode;
}

/** One figure; each stands for itself when others can't be had. */
function Figure<T>({ label, query: { data, error }, children }: FigureProps<T>) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      {data !== undefined ? children(data) : error === null ? <StatusIndicator type="loading">Loading</StatusIndicator> : null}
      {error !== null && <StatusIndicator type="error">{`${asProblem(error).message} (${asProblem(error).code})`}</StatusIndicator>}
    </div>
  );
}

/** How large figures are. */
const size = 'heading-xl';

function FleetFigure() {
  const shards = useQuery(queries.shards());
  const snapshot = useQuery(queries.snapshot());
  const both = {
    data: shards.data === undefined || snapshot.data === undefined ? undefined : { shards: shards.data.items, snapshot: snapshot.data },
    error: shards.error ?? snapshot.error,
  };
  return (
    <Figure label="Healthy shards" query={both}>
      {(data) => {
        const healthy = countHealthy(data.shards, data.snapshot.endpoints);
        return (
          <>
            <PageLink href="/fleet" fontSize={size}>{`${healthy} of ${data.shards.length}`}</PageLink>

            {data.snapshot.unreachable > 0 && (
              <StatusIndicator type="error">{data.snapshot.unreachable} endpoints unreachable</StatusIndicator>
            )}
          </>
        );
      }}
    </Figure>
  );
}

function TenantsFigure() {
  const shards = useQuery(queries.shards());
  return (
    <Figure label="Placed tenants" query={shards}>
      {({ items }) => (
        <PageLink href="/tenants" fontSize={size}>
          {String(items.filter(({ kind }) => kind === 'aggregate').reduce((sum, { tenants }) => sum + tenants, 0))}
        </PageLink>
      )}
    </Figure>
  );
}

/** Jobs that are in somebody's hands right now; a page of them is enough to count. */
function JobsFigure() {
  const limit = 50;
  const running = useQuery(queries.jobs({ status: 'running', limit }));
  const attention = useQuery(queries.jobs({ status: 'needs_attention', limit }));
  const count = (items: readonly unknown[], cursor: string | null) => `${items.length}${cursor === null ? '' : '+'}`;
  return (
    <Figure label="Running jobs" query={running}>
      {({ items, next_cursor: cursor }) => (
        <>
          <PageLink href="/jobs?status=running" fontSize={size}>
            {count(items, cursor)}
          </PageLink>

          {attention.data !== undefined && attention.data.items.length > 0 && (
            <StatusIndicator type="warning">
              <PageLink href="/jobs?status=needs_attention">
                {`${count(attention.data.items, attention.data.next_cursor)} need attention`}
              </PageLink>
            </StatusIndicator>
          )}
        </>
      )}
    </Figure>
  );
}

function PlacementFigure() {
  const placement = useQuery(queries.placement());
  return (
    <Figure label="Placement" query={placement}>
      {({ revision, published_revision: published }) => (
        <>
          <Box fontSize={size} fontWeight="bold">
            Revision {revision}
          </Box>
          <StatusIndicator type={published >= revision ? 'success' : 'warning'}>
            {published >= revision ? 'Published' : `Published up to ${published}`}
          </StatusIndicator>
        </>
      )}
    </Figure>
  );
}

const readinessLabels: Record<string, { type: StatusIndicatorProps.Type; text: string }> = {
  ready: { type: 'success', text: 'Ready' },
  degraded: { type: 'warning', text: 'Degraded' },
  unavailable: { type: 'error', text: 'Unavailable' },
};

function ControlPlaneFigure() {
  const readiness = useQuery(queries.readiness());
  return (
    <Figure label="Control plane" query={readiness}>
      {({ status, checks }) => (
        <>
          <StatusIndicator type={readinessLabels[status]?.type ?? 'info'}>{readinessLabels[status]?.text ?? status}</StatusIndicator>
          {Object.entries(checks)
            .filter(([, { ok }]) => !ok)
            .map(([name, { problem }]) => (
              <div key={name}>{`${name}: ${problem ?? 'failed'}`}</div>
            ))}
        </>
      )}
    </Figure>
  );
}
