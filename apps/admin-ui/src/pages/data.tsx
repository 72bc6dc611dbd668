import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries.js';
import type { DataTable } from '../api/types.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { dataPath } from '../links.js';

const columns = [
  {
    id: 'table',
    header: 'Table',
    isRowHeader: true,
    cell: ({ schema, table, readable }: DataTable) =>
      readable ? <PageLink href={dataPath(schema, table)}>{`${schema}.${table}`}</PageLink> : `${schema}.${table}`,
  },
  { id: 'rows', header: 'Rows, about', cell: (table: DataTable) => String(table.estimated_rows) },
  { id: 'key', header: 'Primary key', cell: (table: DataTable) => table.key.join(', ') },
  { id: 'masked', header: 'Masked', cell: maskedOf },
];

/** The control database's tables, of which rows can be looked at. */
export default function DataPage() {
  const query = useQuery(queries.dataTables());
  return (
    <Page title="Data" description="The control database’s tables. Who looks at rows, and at which, is in the audit trail">
      <ListTable
        title="All tables"
        query={query}
        columns={columns}
        keyOf={({ schema, table }) => `${schema}.${table}`}
        empty="There is no table"
      />
    </Page>
  );
}

function maskedOf({ readable, columns }: DataTable): string {
  if (!readable) return 'all of it';
  const masked = columns.filter((column) => column.masked).map(({ name }) => name);
  return masked.length === 0 ? '–' : masked.join(', ');
}
