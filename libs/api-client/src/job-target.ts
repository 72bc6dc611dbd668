/**
 * What a job or plan is about, by its parameters, whatever its kind: its tenant or how many, its document, its node, its shard, or the kind whose
 * tenants it moves. Empty when they name nothing of that.
 */
export function jobTarget(params: Readonly<Record<string, unknown>>): string {
  const { tenant, tenants, domain, scope, name, node, kind, shard } = params;
  if (typeof tenant === 'string') return tenant;
  if (Array.isArray(tenants)) return `${String(tenants.length)} ${tenants.length === 1 ? 'tenant' : 'tenants'}`;
  if (typeof domain === 'string') return [domain, scope, name].join('/');
  if (typeof node === 'string') return node;
  if (typeof kind !== 'string') return '';
  return typeof shard === 'string' ? `${kind}/${shard}` : kind;
}
