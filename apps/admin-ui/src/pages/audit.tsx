import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { queries } from '../api/queries.js';
import type { AuditRecord } from '../api/types.js';
import { auditColumns } from '../components/audit-columns.js';
import { Filters } from '../components/filters.js';
import { Id } from '../components/id.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { Principal } from '../components/principal.js';
import { Time } from '../components/time.js';
import { isFiltered } from '../search.js';

const route = getRouteApi('/audit');

const fields = [
  { name: 'action', label: 'Action', placeholder: 'job.*' },
  { name: 'tenant', label: 'Tenant' },
  { name: 'principal', label: 'Principal', placeholder: 'user:…' },
  { name: 'job_id', label: 'Job id' },
  { name: 'correlation_id', label: 'Correlation id' },
  { name: 'request_id', label: 'Request id' },
  { name: 'trace_id', label: 'Trace id' },
  { name: 'from', label: 'From', placeholder: '2026-01-31T00:00:00Z' },
  { name: 'to', label: 'To', placeholder: '2026-01-31T23:59:59Z' },
] as const;

/** Who did what, when and why; newest first. */
export default function AuditPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/audit' });
  const query = useQuery(queries.audit(search));
  const [open, setOpen] = useState<AuditRecord>();
  const columns = auditColumns.map((column) =>
    column.id === 'action'
      ? {
          ...column,
          cell: (record: AuditRecord) => (
            <Link
              onFollow={() => {
                setOpen(record);
              }}
            >
              {record.action}
            </Link>
          ),
        }
      : column,
  );
  return (
    <Page title="Audit" description="Who did what, when and why: newest first, never changed afterwards">
      <ListTable
        title={isFiltered(search) ? 'Matching records' : 'All records'}
        query={query}
        columns={columns}
        keyOf={(record) => String(record.position)}
        empty="No record matches"
        actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={() => void query.refetch()} />}
        filter={<Filters fields={fields} values={search} onApply={(values) => void navigate({ search: values })} />}
        paging={{ cursor: search.cursor, onCursor: (cursor) => void navigate({ search: { ...search, cursor } }) }}
      />
      {open !== undefined && (
        <RecordDialog
          record={open}
          onDismiss={() => {
            setOpen(undefined);
          }}
        />
      )}
    </Page>
  );
}

function RecordDialog({ record, onDismiss }: { readonly record: AuditRecord; readonly onDismiss: () => void }) {
  return (
    <Modal visible size="large" header={record.action} onDismiss={onDismiss}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Time', value: <Time value={record.time} /> },
            { label: 'Position in the log', value: String(record.position) },
            { label: 'Outcome', value: record.outcome },
            { label: 'By', value: <Principal id={record.principal} via={record.via} /> },
            { label: 'Principal', value: <Id value={record.principal} /> },
            { label: 'Reason', value: record.reason ?? '–' },
            { label: 'From address', value: <Id value={record.source_address} /> },
            { label: 'Resource', value: <Id value={`${record.resource_type}/${record.resource_id}`} /> },
            { label: 'Tenant', value: <Id value={record.tenant_id} /> },
            { label: 'Job', value: <Id value={record.job_id} /> },
            { label: 'Step', value: record.step ?? '–' },
            { label: 'Request id', value: <Id value={record.request_id} /> },
            { label: 'Correlation id', value: <Id value={record.correlation_id} /> },
            { label: 'Trace id', value: <Id value={record.trace_id} /> },
          ]}
        />
        <div>
          <Box variant="awsui-key-label">Details</Box>
          <pre className="mono json">{JSON.stringify(record.details, undefined, 2)}</pre>
        </div>
      </SpaceBetween>
    </Modal>
  );
}
