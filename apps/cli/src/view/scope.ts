import type { ApiToken } from '../api.js';

/** What a token is kept to, as people read it. */
export function scopeText(scope: ApiToken['scope']): string {
  if (scope == null) return 'all';
  const named = [...(scope.tenants ?? []).map((name) => `tenant ${name}`), ...(scope.nodes ?? []).map((name) => `node ${name}`)];
  return named.length === 0 ? 'nothing' : named.join(', ');
}
