/** Somebody looks into a table, and goes on to the next page. */
export async function dataReadHappens(
  get: (path: string) => Promise<{ status: number; body: { next_cursor?: string | null } }>,
): Promise<void> {
  const path = '/admin/v1/data/tables/placement/tenant?columns=tenant_id,name&filter=tenant_id.starts_with.tenant,revision.gte.0&limit=2';
  const first = await get(path);
  const second = await get(`${path}&cursor=${first.body.next_cursor ?? ''}`);
  if (first.status !== 200 || second.status !== 200)
    throw new Error(`the table was answered with ${String(first.status)}, ${String(second.status)}`);
}
