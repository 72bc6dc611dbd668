import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Page } from '../api/types.js';
import { ProblemAlert } from './problem-alert.js';

interface Props<T> {
  readonly title: string;
  readonly query: Pick<UseQueryResult<Page<T>>, 'data' | 'error' | 'isPending' | 'isPlaceholderData' | 'refetch'>;
  readonly columns: readonly TableProps.ColumnDefinition<T>[];
  readonly keyOf: (item: T) => string;
  /** Says what it means that nothing is here. */
  readonly empty: string;
  readonly filter?: ReactNode;
  readonly actions?: ReactNode;
  /** Pages by cursor: where the present one starts, and how to go to another. */
  readonly paging?: { readonly cursor: string | undefined; readonly onCursor: (cursor: string | undefined) => void };
}

/** A list of the gateway's as a table, in each of its states: loading, empty, failed, there, and there but out of date. */
export function ListTable<T>({ title, query, columns, keyOf, empty, filter, actions, paging }: Props<T>) {
  const retry = () => void query.refetch();
  const failed = query.error !== null;
  const next = query.data?.next_cursor ?? undefined;
  return (
    <SpaceBetween size="s">
      {failed && <ProblemAlert what={`${title} could not be loaded`} error={query.error} onRetry={retry} />}
      {!(failed && query.data === undefined) && (
        <Table
          header={
            <Header variant="h2" actions={actions}>
              {title}
            </Header>
          }
          filter={filter}
          columnDefinitions={columns}
          items={query.data?.items ?? []}
          trackBy={keyOf}
          loading={query.isPending || query.isPlaceholderData}
          loadingText={`Loading ${title.toLowerCase()}`}
          empty={<Box color="inherit">{empty}</Box>}
          wrapLines
          pagination={
            paging !== undefined && (paging.cursor !== undefined || next !== undefined) ? (
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  disabled={paging.cursor === undefined}
                  onClick={() => {
                    paging.onCursor(undefined);
                  }}
                >
                  First page
                </Button>
                <Button
                  disabled={next === undefined}
                  onClick={() => {
                    paging.onCursor(next);
                  }}
                >
                  Next page
                </Button>
              </SpaceBetween>
            ) : undefined
          }
        />
      )}
    </SpaceBetween>
  );
}
