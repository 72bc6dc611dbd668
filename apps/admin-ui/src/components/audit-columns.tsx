import type { TableProps } from '@cloudscape-design/components/table';
import type { AuditRecord } from '../api/types.js';
import { jobPath, tenantPath } from '../links.js';
import { PageLink } from './page-link.js';
import { Principal } from './principal.js';
import { OutcomeLabel } from './status.js';
import { Time } from './time.js';

/** How a list shows audit records. */
export const auditColumns: readonly TableProps.ColumnDefinition<AuditRecord>[] = [
  { id: 'time', header: 'Time', minWidth: 110, cell: (record) => <Time value={record.time} /> },
  { id: 'action', header: 'Action', cell: (record) => record.action, isRowHeader: true },
  { id: 'outcome', header: 'Outcome', minWidth: 130, cell: (record) => <OutcomeLabel outcome={record.outcome} /> },
  { id: 'principal', header: 'By', cell: (record) => <Principal id={record.principal} via={record.via} /> },
  {
    id: 'tenant',
    header: 'Tenant',
    minWidth: 110,
    cell: ({ tenant_id: id }) => (id === null ? '–' : <PageLink href={tenantPath(id)}>{id}</PageLink>),
  },
  {
    id: 'job',
    header: 'Job',
    minWidth: 130,
    cell: ({ job_id: id, step }) => (id === null ? '–' : <PageLink href={jobPath(id)}>{step ?? 'job'}</PageLink>),
  },
  { id: 'reason', header: 'Reason', cell: (record) => record.reason ?? '–' },
];
