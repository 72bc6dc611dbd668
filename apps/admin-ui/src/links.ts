/** The UI's own addresses, in one place. */

export const tenantPath = (tenantId: string) => `/tenants/${encodeURIComponent(tenantId)}`;
export const jobPath = (jobId: string) => `/jobs/${encodeURIComponent(jobId)}`;
export const planPath = (planId: string) => `/plans/${encodeURIComponent(planId)}`;
export const migratePath = (tenantId: string) => `${tenantPath(tenantId)}?dialog=migrate`;
export const dataPath = (schema: string, table: string) => `/data/${encodeURIComponent(schema)}/${encodeURIComponent(table)}`;
export const listPath = (path: '/tenants' | '/jobs' | '/audit', filter: Readonly<Record<string, string>>) =>
  `${path}?${new URLSearchParams(filter).toString()}`;
