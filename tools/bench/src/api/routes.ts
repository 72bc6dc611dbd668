/** The routes that are measured: which, by what path, and what answers them besides the gateway. */
import type { ControlPlaneService } from '@fairlead/contracts';

export interface Measured {
  /** For people, in the name of a row. */
  readonly name: string;
  /** With its query. */
  readonly path: string;
  /** The service that the gateway asks by gRPC; none where it answers from its own database. */
  readonly asks?: ControlPlaneService;
}

/** All of them, in a stage with this one user and so many users and tenants. */
export function routesOf({ userId, many }: { userId: string; many: number }): Measured[] {
  return [
    { name: 'whoami', path: '/admin/v1/auth/whoami' },
    { name: 'one user', path: `/admin/v1/users/${userId}` },
    { name: `${String(many)} users`, path: `/admin/v1/users?limit=${String(many)}` },
    { name: 'no jobs, by gRPC', path: '/admin/v1/jobs?limit=50', asks: 'job-orchestrator' },
    { name: `${String(many)} tenants, by gRPC`, path: `/admin/v1/tenants?limit=${String(many)}`, asks: 'placement' },
  ];
}
