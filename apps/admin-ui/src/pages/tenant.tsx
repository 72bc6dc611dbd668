import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Spinner from '@cloudscape-design/components/spinner';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { placedKinds } from '@fairlead/contracts/browser';
import { queries } from '../api/queries.js';
import type { Tenant } from '../api/types.js';
import { auditColumns } from '../components/audit-columns.js';
import { Id } from '../components/id.js';
import { jobColumns } from '../components/job-columns.js';
import { ListTable } from '../components/list-table.js';
import { MigrateDialog } from '../components/migrate-dialog.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { useDenied } from '../components/principal.js';
import { ProblemAlert } from '../components/problem-alert.js';
import { ShardHealth } from '../components/shard-health.js';
import { Time } from '../components/time.js';
import { formatName } from '../format.js';
import { listPath } from '../links.js';

const route = getRouteApi('/tenants/$tenantId');
const recent = 10;

/** One tenant: where it is, what was done with it, and the way to move it. */
export default function TenantPage() {
  const { tenantId } = route.useParams();
  const { dialog } = route.useSearch();
  const navigate = useNavigate({ from: '/tenants/$tenantId' });
  const query = useQuery(queries.tenant(tenantId));
  const jobs = useQuery(queries.jobs({ tenant: tenantId, limit: recent }));
  const audit = useQuery(queries.audit({ tenant: tenantId, limit: recent }));
  const denied = useDenied('tenant.migrate');
  const tenant = query.data;
  const migrate = (
    <Button
      variant="primary"
      disabled={tenant === undefined || denied !== undefined}
      disabledReason={denied}
      onClick={() => void navigate({ search: { dialog: 'migrate' } })}
    >
      Migrate
    </Button>
  );
  return (
    <Page title={tenantId} description={tenant?.name} actions={migrate} above={[{ text: 'Tenants', href: '/tenants' }]}>
      {query.error !== null && (
        <ProblemAlert what={`${tenantId} could not be loaded`} error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Spinner />}
      {tenant !== undefined && <PlacementOf tenant={tenant} />}
      {tenant !== undefined && (
        <ListTable
          title="Recent jobs"
          query={jobs}
          columns={jobColumns.filter(({ id }) => id !== 'target')}
          keyOf={(job) => job.job_id}
          empty="Nothing was done with this tenant yet"
          actions={<PageLink href={listPath('/jobs', { tenant: tenantId })}>All its jobs</PageLink>}
        />
      )}
      {tenant !== undefined && (
        <ListTable
          title="Recent audit records"
          query={audit}
          columns={auditColumns.filter(({ id }) => id !== 'tenant')}
          keyOf={(record) => String(record.position)}
          empty="Nothing is recorded of this tenant"
          actions={<PageLink href={listPath('/audit', { tenant: tenantId })}>All its records</PageLink>}
        />
      )}
      {tenant !== undefined && dialog === 'migrate' && denied === undefined && (
        <MigrateDialog tenant={tenant} onDismiss={() => void navigate({ search: {}, replace: true })} />
      )}
    </Page>
  );
}

function PlacementOf({ tenant }: { readonly tenant: Tenant }) {
  const seats = placedKinds.map((kind) => ({ kind, seat: tenant.placement[kind] }));
  return (
    <Container header={<Header variant="h2">Placement</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          ...seats.map(({ kind, seat }) => ({
            label: formatName(kind),
            value:
              seat === undefined ? (
                'Not placed'
              ) : (
                <>
                  <PageLink href={listPath('/tenants', { kind, shard_id: seat.shard })}>{seat.shard}</PageLink>
                  <ShardHealth kind={kind} shardId={seat.shard} />
                  <Box color="text-body-secondary" fontSize="body-s">
                    since revision {seat.revision}
                  </Box>
                </>
              ),
          })),
          {
            label: 'Tenant',
            value: (
              <>
                <Id value={tenant.tenant_id} />
                <Box color="text-body-secondary" fontSize="body-s">
                  created <Time value={tenant.created_at} />
                </Box>
              </>
            ),
          },
        ]}
      />
    </Container>
  );
}
