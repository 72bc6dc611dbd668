import { requestOf, UnusableName, type Answer, type ApiRequest, type Call, type OperationId, type Query } from '@fairlead/api-client';
import { CliError, exitCodes } from '../exit.js';
import type { FieldOf, Having, Loose } from './answer.js';
import type { HttpClient, RequestOptions } from './client.js';

export interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor?: string | null;
}

/** The operations that answer a list, page by page. */
type ListId = {
  [Id in OperationId]: Answer<Id> extends { items: readonly unknown[]; next_cursor: string | null } ? Id : never;
}[OperationId];
type ItemOf<Id extends ListId> = Answer<Id> extends { items: readonly (infer Item)[] } ? Loose<Item> : never;
/** What a list can be narrowed by. */
export type Filter<Id extends ListId> = Omit<Query<Id>, 'limit' | 'cursor'>;

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** Calls operations. */
export interface Caller {
  /** The answer, which has the fields that are needed. */
  readonly one: <Id extends OperationId, Field extends FieldOf<Id> = never>(
    id: Id,
    call: Call<Id>,
    needs?: readonly Field[],
    options?: Omit<RequestOptions, 'needs'>,
  ) => Promise<Having<NonNullable<Answer<Id>>, Field>>;
  /** As much of a list as is asked for, read page by page; `path` names whose list it is. */
  readonly list: <Id extends ListId>(
    id: Id,
    filter: Filter<Id>,
    page: PageRequest,
    path?: Readonly<Record<string, string>>,
  ) => Promise<Page<ItemOf<Id>>>;
}

/** Makes a caller of a client. */
export function createCaller(http: HttpClient): Caller {
  const one: Caller['one'] = async <Id extends OperationId, Field extends FieldOf<Id>>(
    id: Id,
    call: Call<Id>,
    needs?: readonly Field[],
    options?: RequestOptions,
  ) => (await http.exchange(request(id, call), { ...options, needs })).body as Having<NonNullable<Answer<Id>>, Field>;
  return {
    one,
    list: <Id extends ListId>(id: Id, filter: Filter<Id>, page: PageRequest, path?: Readonly<Record<string, string>>) =>
      collect(async (part) => {
        const { body } = await http.exchange(request(id, { path, query: { ...filter, ...part } } as unknown as Call<Id>), {
          needs: ['items'],
        });
        return body as unknown as Page<ItemOf<Id>>;
      }, page),
  };
}

/** The request of an operation. Throws a usage error for a name that can't stand in its path. */
export function request<Id extends OperationId>(id: Id, call: Call<Id>): ApiRequest {
  try {
    return requestOf(id, call);
  } catch (error) {
    if (!(error instanceof UnusableName)) throw error;
    throw new CliError('no name can be empty, . or ..', exitCodes.usage, { cause: error });
  }
}

/** The largest page the gateway answers; longer lists are read page by page. */
const maxPageSize = 200;

async function collect<Item>(
  read: (request: { limit: number; cursor?: string }) => Promise<Page<Item>>,
  { limit, cursor }: PageRequest,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let next = cursor;
  let told: object = {};
  do {
    const page: Page<Item> = await read({ limit: Math.min(limit - items.length, maxPageSize), cursor: next });
    items.push(...page.items);
    told = page;
    next = page.next_cursor ?? undefined;
  } while (next !== undefined && next !== '' && items.length < limit);
  // What the last page tells beside its items stays.
  return { ...told, items, next_cursor: next === undefined || next === '' ? null : next };
}
