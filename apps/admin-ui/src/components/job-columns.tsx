import type { TableProps } from '@cloudscape-design/components/table';
import type { Job } from '../api/types.js';
import { jobTarget } from '@fairlead/api-client';
import { durationBetween, formatDuration } from '../format.js';
import { jobPath, tenantPath } from '../links.js';
import { PageLink } from './page-link.js';
import { Principal } from './principal.js';
import { JobStatusLabel } from './status.js';
import { Time } from './time.js';

/** What a job is about, with a link where that has a page. */
export function JobTarget({ params }: { readonly params: Job['params'] }) {
  const target = jobTarget(params);
  return typeof params['tenant'] === 'string' ? <PageLink href={tenantPath(target)}>{target}</PageLink> : <>{target}</>;
}

/** How a list shows jobs. */
export const jobColumns: readonly TableProps.ColumnDefinition<Job>[] = [
  { id: 'kind', header: 'Job', cell: (job) => <PageLink href={jobPath(job.job_id)}>{job.kind}</PageLink>, isRowHeader: true },
  { id: 'target', header: 'Target', minWidth: 110, cell: (job) => <JobTarget params={job.params} /> },
  { id: 'status', header: 'Status', minWidth: 130, cell: (job) => <JobStatusLabel job={job} /> },
  { id: 'created', header: 'Created', minWidth: 110, cell: (job) => <Time value={job.created_at} /> },
  {
    id: 'took',
    header: 'Took',
    cell: (job) => {
      const ms = durationBetween(job.started_at, job.finished_at);
      return ms === undefined ? '–' : formatDuration(ms);
    },
  },
  { id: 'by', header: 'By', cell: (job) => <Principal id={job.principal} /> },
  { id: 'reason', header: 'Reason', cell: (job) => job.reason },
];
