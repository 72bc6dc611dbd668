/** What an event or an aggregate is about, such as `tenant:acme`. */
export function aggregateName({
  aggregate_type: type,
  aggregate_id: id,
}: {
  aggregate_type?: string | null;
  aggregate_id?: string | null;
}): string {
  return `${type ?? '-'}:${id ?? '-'}`;
}
