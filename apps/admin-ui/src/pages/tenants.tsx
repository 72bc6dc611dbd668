import Button from '@cloudscape-design/components/button';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate, useRouter } from '@tanstack/react-router';
import { placedKinds } from '@fairlead/contracts/browser';
import { useState, type SubmitEvent } from 'react';
import { queries } from '../api/queries.js';
import type { Tenant } from '../api/types.js';
import { Filters } from '../components/filters.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { Time } from '../components/time.js';
import { formatName } from '../format.js';
import { listPath, migratePath, tenantPath } from '../links.js';

const route = getRouteApi('/tenants');

const columns: readonly TableProps.ColumnDefinition<Tenant>[] = [
  {
    id: 'tenant',
    header: 'Tenant',
    cell: ({ tenant_id: id }) => <PageLink href={tenantPath(id)}>{id}</PageLink>,
    isRowHeader: true,
  },
  { id: 'name', header: 'Name', cell: ({ name }) => name },
  ...placedKinds.map((kind) => ({
    id: kind,
    header: formatName(kind),
    cell: ({ placement }: Tenant) => {
      const shard = placement[kind]?.shard;
      return shard === undefined ? '–' : <PageLink href={listPath('/tenants', { kind, shard_id: shard })}>{shard}</PageLink>;
    },
  })),
  { id: 'created', header: 'Created', cell: ({ created_at: time }) => <Time value={time} /> },
  { id: 'move', header: 'Move', cell: ({ tenant_id: id }) => <PageLink href={migratePath(id)}>Migrate {id}</PageLink> },
];

/** All tenants, or those of one shard, and where each is. */
export default function TenantsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/tenants' });
  const { kind, shard_id: shardId, cursor } = search;
  // The gateway takes both or none.
  const filter = kind !== undefined && shardId !== undefined ? { kind, shard_id: shardId } : {};
  const query = useQuery(queries.tenants({ ...filter, cursor }));
  const shards = useQuery(queries.shards());
  const options = (shards.data?.items ?? [])
    .filter((shard) => shard.kind !== 'gateway')
    .map((shard) => ({ value: `${shard.kind}/${shard.shard_id}`, label: `${shard.kind}: ${shard.shard_id} (${shard.tenants})` }));
  return (
    <Page title="Tenants" description="Who is placed where">
      <ListTable
        title={kind === undefined ? 'All tenants' : 'Matching tenants'}
        query={query}
        columns={columns}
        keyOf={({ tenant_id: id }) => id}
        empty="No tenant matches"
        actions={<OpenTenant />}
        filter={
          <Filters
            fields={[{ name: 'on', label: 'On shard', options }]}
            values={kind !== undefined && shardId !== undefined ? { on: `${kind}/${shardId}` } : {}}
            onApply={({ on }) => {
              const [newKind, newShard] = on?.split('/') ?? [];
              void navigate({ search: { kind: newKind, shard_id: newShard } });
            }}
          />
        }
        paging={{ cursor, onCursor: (next) => void navigate({ search: { ...search, cursor: next } }) }}
      />
    </Page>
  );
}

/** Goes straight to a tenant whose id one knows. */
function OpenTenant() {
  const router = useRouter();
  const [id, setId] = useState('');
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    if (id.trim() !== '') router.history.push(tenantPath(id.trim()));
  };
  return (
    <form onSubmit={open}>
      <SpaceBetween direction="horizontal" size="xs">
        <Input
          type="search"
          value={id}
          placeholder="Tenant id"
          ariaLabel="Tenant id"
          onChange={({ detail }) => {
            setId(detail.value);
          }}
        />
        <Button formAction="submit">Open</Button>
      </SpaceBetween>
    </form>
  );
}
