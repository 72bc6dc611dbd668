/** Every permission there is. A route or RPC names one of these or does not start. */
export const permissions = [
  'audit.export',
  'audit.read',
  'audit.seal',
  'change.read',
  'config.change',
  'config.feature-flags',
  'config.placement',
  'config.read',
  'config.routing',
  'config.runner-activation',
  'config.write',
  'data.browse',
  'deadletter.manage',
  'deadletter.read',
  'definition.read',
  'definition.write',
  'fleet.read',
  'fleet.reload',
  'identity.manage',
  'job.read',
  'job.cancel',
  'job.pause',
  'job.retry',
  'job.signal',
  'log.read',
  'org.manage',
  'org.read',
  'plan.approve',
  'plan.create',
  'placement.read',
  'placement.write',
  'placement.move',
  'project.manage',
  'project.read',
  'projection.manage',
  'projection.read',
  'schedule.manage',
  'schedule.read',
  'self',
  'service.command',
  'tenant.read',
  'tenant.write',
  'tenant.migrate',
  'tenant.drain',
  'tenant.resume',
  'webhook.manage',
  'webhook.read',
] as const;

export type Permission = (typeof permissions)[number];

/** True for a permission that lets its holder look, and change nothing; what hands out much counts as a change. */
export function onlyReads(permission: Permission): boolean {
  return permission.endsWith('.read');
}

const viewer: readonly Permission[] = [
  'self',
  'tenant.read',
  'placement.read',
  'fleet.read',
  'job.read',
  'audit.read',
  'deadletter.read',
  'change.read',
  'config.read',
  'definition.read',
  'log.read',
  'projection.read',
  'schedule.read',
  'org.read',
  'project.read',
];
const operator: readonly Permission[] = [
  ...viewer,
  'plan.create',
  'plan.approve',
  'job.cancel',
  'job.pause',
  'job.retry',
  'job.signal',
  'schedule.manage',
  'tenant.migrate',
  'tenant.drain',
  'tenant.resume',
  'fleet.reload',
  'webhook.read',
];
const admin: readonly Permission[] = [
  ...operator,
  'tenant.write',
  'placement.write',
  'config.write',
  'config.feature-flags',
  'config.placement',
  'config.routing',
  'config.runner-activation',
  'definition.write',
  'identity.manage',
  'deadletter.manage',
  'projection.manage',
  'audit.export',
  'data.browse',
  'audit.seal',
  'webhook.manage',
  'org.manage',
  'project.manage',
];

/** What each role of a user may do. `config.change`, `placement.move` and `service.command` are for services alone. */
export const roles = { viewer, operator, admin } as const;

export type Role = keyof typeof roles;

/** What each service may do when it calls another one as itself. */
export const serviceGrants = {
  'api-gateway': ['tenant.read', 'placement.read', 'fleet.read', 'job.read', 'audit.read'],
  'job-orchestrator': ['tenant.read', 'placement.read', 'placement.move', 'config.read', 'config.change', 'fleet.read', 'service.command'],
  provisioner: ['placement.read'],
  placement: [],
  'fleet-observer': ['placement.read'],
  audit: [],
  // Registers the simulated fleet at start; its key is made and trusted only where there is one, in development.
  bootstrap: ['tenant.read', 'tenant.write', 'placement.read', 'placement.write'],
} as const satisfies Record<string, readonly Permission[]>;

export type ServiceName = keyof typeof serviceGrants;

/** The six services of the control plane, in start order. */
export const controlPlaneServices = ['placement', 'provisioner', 'fleet-observer', 'audit', 'job-orchestrator', 'api-gateway'] as const;
export type ControlPlaneService = (typeof controlPlaneServices)[number];
