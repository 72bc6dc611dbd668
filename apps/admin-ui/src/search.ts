/** What stands behind the `?`: plain text by name, so that addresses can be read, typed and sent to others. */
export type Search<Name extends string> = Partial<Record<Name, string>>;

/** Takes the named texts out of an address, drops everything else. */
export function searchOf<Name extends string>(...names: readonly Name[]): (raw: Record<string, unknown>) => Search<Name> {
  return (raw) => {
    const search: Search<Name> = {};
    for (const name of names) {
      const value = raw[name];
      if (typeof value === 'string' && value !== '') search[name] = value;
    }
    return search;
  };
}

/** For the router: `?a=b` → `{a: 'b'}`. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** For the router: `{a: 'b'}` → `?a=b`, nothing for what is empty. */
export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) if (typeof value === 'string' && value !== '') params.set(name, value);
  return params.size === 0 ? '' : `?${params.toString()}`;
}

/** True when an address asks for a part of a list, rather than for a page of the whole. */
export function isFiltered({ cursor: _, ...filter }: Search<string>): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}
