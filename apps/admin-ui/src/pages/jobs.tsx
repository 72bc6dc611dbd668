import Button from '@cloudscape-design/components/button';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { jobStatuses } from '@fairlead/contracts/browser';
import { queries } from '../api/queries.js';
import { Filters } from '../components/filters.js';
import { jobColumns } from '../components/job-columns.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { formatName } from '../format.js';
import { isFiltered } from '../search.js';

const route = getRouteApi('/jobs');
const kinds = [
  'tenant-migrate',
  'tenants-migrate',
  'rebalance',
  'shard-decommission',
  'shard-drain',
  'shard-resume',
  'node-drain',
  'node-resume',
  'tenant-drain',
  'tenant-resume',
  'reload',
  'config-apply',
  'config-rollback',
];

const fields = [
  { name: 'status', label: 'Status', options: jobStatuses.map((value) => ({ value, label: formatName(value) })) },
  { name: 'kind', label: 'Kind', options: kinds.map((value) => ({ value, label: value })) },
  { name: 'tenant', label: 'Tenant' },
  { name: 'correlation_id', label: 'Correlation id' },
  { name: 'parent', label: 'Part of job' },
] as const;

/** All jobs, newest first. */
export default function JobsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/jobs' });
  const query = useQuery(queries.jobs(search));
  return (
    <Page title="Jobs" description="Changes that run, and those that ran">
      <ListTable
        title={isFiltered(search) ? 'Matching jobs' : 'All jobs'}
        query={query}
        columns={jobColumns}
        keyOf={(job) => job.job_id}
        empty="No job matches"
        actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={() => void query.refetch()} />}
        filter={<Filters fields={fields} values={search} onApply={(values) => void navigate({ search: values })} />}
        paging={{ cursor: search.cursor, onCursor: (cursor) => void navigate({ search: { ...search, cursor } }) }}
      />
    </Page>
  );
}
