import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { queries } from '../api/queries.js';
import { Filters } from '../components/filters.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { isFiltered } from '../search.js';

const route = getRouteApi('/data/$schema/$table');

const fields = [
  { name: 'columns', label: 'Columns', placeholder: 'all' },
  { name: 'filter', label: 'Filter', placeholder: 'status.eq.running' },
  { name: 'order', label: 'Order', placeholder: 'by key; -name for the last first' },
] as const;

type Row = Readonly<Record<string, string | null>>;

/** Rows of one table. Each page that is asked for is recorded, so nothing is asked for by itself. */
export default function DataRowsPage() {
  const { schema, table } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/data/$schema/$table' });
  const query = useQuery(queries.dataRows(schema, table, search));
  const columns = (query.data?.columns ?? []).map(({ name, type, masked }) => ({
    id: name,
    header: <span title={type}>{name}</span>,
    cell: (row: Row) => <Cell value={row[name] ?? null} masked={masked} />,
  }));
  return (
    <Page
      title={`${schema}.${table}`}
      description="What you look at here is recorded in the audit trail"
      above={[{ text: 'Data', href: '/data' }]}
    >
      <ListTable
        title={isFiltered(search) ? 'Matching rows' : 'All rows'}
        query={query}
        columns={columns}
        // Rows have no name of their own here: their place in the page is enough, as a page never changes by itself.
        keyOf={(row) => String(query.data?.items.indexOf(row))}
        empty="No row matches"
        actions={<Button iconName="refresh" ariaLabel="Refresh" onClick={() => void query.refetch()} />}
        filter={<Filters fields={fields} values={search} onApply={(values) => void navigate({ search: values })} />}
        paging={{ cursor: search.cursor, onCursor: (cursor) => void navigate({ search: { ...search, cursor } }) }}
      />
    </Page>
  );
}

function Cell({ value, masked }: { readonly value: string | null; readonly masked: boolean }) {
  if (masked) return <Box color="text-status-inactive">masked</Box>;
  if (value === null) return <Box color="text-status-inactive">null</Box>;
  return <span className="mono">{value}</span>;
}
