/** Who may call what between services: every RPC of a whole stack, by every role. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { permissions as all, roles, type Permission, type Role } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { testFolder } from '@fairlead/testing';
import { callAll, gatewaySigner, type Requests } from './support/rpcs.js';

/** What each RPC asks of its caller. One that is new is entered here, on purpose. */
const permissions: Readonly<Record<string, Permission>> = {
  'AuditService/DiscardDeadLetter': 'deadletter.manage',
  'AuditService/GetDeadLetter': 'deadletter.read',
  'AuditService/ListDeadLetters': 'deadletter.read',
  'AuditService/ListRecords': 'audit.read',
  'AuditService/ReplayDeadLetter': 'deadletter.manage',
  'ChainService/ExportChain': 'audit.export',
  'ChainService/GetChain': 'audit.read',
  'ChainService/ListSegments': 'audit.read',
  'ChainService/SealTrail': 'audit.seal',
  'ChainService/VerifyChain': 'audit.read',
  'ChangeStreamService/Watch': 'change.read',
  'ConfigService/DiffConfig': 'config.read',
  'ConfigService/GetConfig': 'config.read',
  'ConfigService/GetConfigRevision': 'config.read',
  'ConfigService/ListConfig': 'config.read',
  'ConfigService/ListConfigHistory': 'config.read',
  'ConfigService/PlanConfig': 'config.read',
  'ConfigService/PrepareConfig': 'config.write',
  'ConfigService/PromoteConfig': 'config.change',
  'ConfigService/RevertConfig': 'config.change',
  'ConfigService/StageConfig': 'config.change',
  'ConfigService/ValidateConfig': 'config.read',
  'DefinitionService/DiffDefinition': 'definition.read',
  'DefinitionService/GetDefinition': 'definition.read',
  'DefinitionService/GetDefinitionContent': 'definition.read',
  'DefinitionService/ListActivations': 'definition.read',
  'DefinitionService/ListDefinitionVersions': 'definition.read',
  'DefinitionService/ListDefinitions': 'definition.read',
  'DefinitionService/PutDefinition': 'definition.write',
  'DefinitionService/RestoreDefinition': 'definition.write',
  'DefinitionService/RetireDefinition': 'definition.write',
  'DefinitionService/ValidateDefinition': 'definition.read',
  'FleetObserverService/CheckShard': 'fleet.read',
  'FleetObserverService/GetAppliedConfig': 'fleet.read',
  'FleetObserverService/GetAppliedPlacement': 'fleet.read',
  'FleetObserverService/GetClusterHealth': 'fleet.read',
  'FleetObserverService/GetClusterStats': 'fleet.read',
  'FleetObserverService/GetEndpointHistory': 'fleet.read',
  'FleetObserverService/GetSnapshot': 'fleet.read',
  'FleetObserverService/ResolveRoutes': 'fleet.read',
  'JobOrchestratorService/ApprovePlan': 'plan.approve',
  'JobOrchestratorService/CancelJob': 'job.cancel',
  'JobOrchestratorService/ChangeSchedule': 'schedule.manage',
  'JobOrchestratorService/CreatePlan': 'plan.create',
  'JobOrchestratorService/CreateSchedule': 'schedule.manage',
  'JobOrchestratorService/GetJob': 'job.read',
  'JobOrchestratorService/GetPlan': 'job.read',
  'JobOrchestratorService/ListJobs': 'job.read',
  'JobOrchestratorService/ListLocks': 'job.read',
  'JobOrchestratorService/ListReplicas': 'job.read',
  'JobOrchestratorService/ListSchedules': 'schedule.read',
  'JobOrchestratorService/PauseJob': 'job.pause',
  'JobOrchestratorService/RetryJob': 'job.retry',
  'JobOrchestratorService/SignalJob': 'job.signal',
  'JobOrchestratorService/StartJob': 'plan.create',
  'JobOrchestratorService/UnpauseJob': 'job.pause',
  'LogService/GetAggregate': 'log.read',
  'LogService/GetEvent': 'log.read',
  'LogService/GetStats': 'log.read',
  'LogService/ListAggregates': 'log.read',
  'LogService/ListEvents': 'log.read',
  'LogService/ListStuck': 'log.read',
  'LogService/VerifyRange': 'log.read',
  'PlacementService/CreateTenant': 'tenant.write',
  'PlacementService/ExplainPlacement': 'placement.read',
  'PlacementService/GetPlacement': 'placement.read',
  'PlacementService/GetShard': 'placement.read',
  'PlacementService/GetTenant': 'tenant.read',
  'PlacementService/GetTenantBalance': 'placement.read',
  'PlacementService/ListShards': 'placement.read',
  'PlacementService/ListTenants': 'tenant.read',
  'PlacementService/MoveTenant': 'placement.move',
  'PlacementService/PlanRebalance': 'placement.read',
  'PlacementService/PutShard': 'placement.write',
  'PlacementService/PutTenantBalance': 'placement.write',
  'PlacementService/SetShardState': 'placement.move',
  'PlacementService/WhatIfShardDies': 'placement.read',
  'ProjectionService/CancelRebuild': 'projection.manage',
  'ProjectionService/GetProjection': 'projection.read',
  'ProjectionService/ListProjections': 'projection.read',
  'ProjectionService/PauseProjection': 'projection.manage',
  'ProjectionService/RebuildProjection': 'projection.manage',
  'ProjectionService/ResumeProjection': 'projection.manage',
  'ProjectionService/SkipEvent': 'projection.manage',
  'ProvisionerService/DrainTenant': 'service.command',
  'ProvisionerService/DropTenantCopy': 'service.command',
  'ProvisionerService/GetTenantState': 'fleet.read',
  'ProvisionerService/HandOverTenant': 'service.command',
  'ProvisionerService/ReloadShard': 'service.command',
  'ProvisionerService/ResumeTenant': 'service.command',
};

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

const tokenOf = async (...names: Role[]) =>
  (await gatewaySigner(stack)).signUser({ userId: 'usr_1', email: 'a@example.test', roles: names }, 60);

describe('every RPC', () => {
  it('asks who calls', async () => {
    const answers = Object.entries(await callAll(stack, 'not.a.token'));
    expect(answers.filter(([, { code }]) => code !== 'unauthenticated')).toEqual([]);
    expect(answers.length).toBe(Object.keys(permissions).length);
  });

  it('asks for its permission', async () => {
    const answers = Object.entries(await callAll(stack, await tokenOf()));
    expect(answers.filter(([, { code }]) => code !== 'permission_denied')).toEqual([]);
    expect(Object.fromEntries(answers.map(([name, { details }]) => [name, details['permission']]))).toEqual(permissions);
  });

  it.each(Object.keys(roles) as Role[])('lets the role %s do what its permissions say, and nothing else', async (role) => {
    const grants: readonly Permission[] = roles[role];
    const answers = await callAll(stack, await tokenOf(role));
    for (const [name, permission] of Object.entries(permissions))
      expect([name, answers[name]?.code === 'permission_denied']).toEqual([name, !grants.includes(permission)]);
  });
});

describe('every RPC about one tenant', () => {
  const [tenant, other] = ['tenant-01', 'tenant-02'];
  /** Somebody who may do everything, on one tenant. */
  const tokenOn = async (name: string, given: readonly Permission[] = all) =>
    (await gatewaySigner(stack)).signUser(
      { userId: `usr_${name}`, email: 'a@example.test', roles: [], grants: new Map([[`/tenants/${name}`, new Set(given)]]) },
      60,
    );
  const drain = { kind: 'tenant-drain', params: { tenant } };
  const schedule = { ...drain, name: 'matrix', cron: '0 3 1 1 *', reason: 'matrix', idempotencyKey: 'matrix' };
  const resultOf = async (token: string, path: string, request: Requests[string]) => {
    const { code, answer } = (await callAll(stack, token, { [path]: request }))[path] ?? {};
    expect([path, code]).toEqual([path, 'answered']);
    return answer as Record<string, Record<string, string>> & { jobId: string };
  };

  it('refuses who holds its permission on another tenant, and shows them nothing of it', async () => {
    const admin = await tokenOf('admin');
    const { plan } = await resultOf(admin, 'JobOrchestratorService/CreatePlan', { ...drain, reason: 'matrix' });
    const { digest: planDigest, planId } = plan ?? {};
    const start = { kind: drain.kind, planDigest, reason: 'matrix', idempotencyKey: 'matrix' };
    const { jobId } = await resultOf(admin, 'JobOrchestratorService/StartJob', start);
    await resultOf(admin, 'JobOrchestratorService/CreateSchedule', schedule);
    /** Each with who is asked for it: the permission, which is asked for on the tenant. */
    const about: Requests = {
      'AuditService/ListRecords': { tenantId: tenant },
      'JobOrchestratorService/ApprovePlan': { plan: planId, reason: 'matrix' },
      'JobOrchestratorService/CancelJob': { jobId, reason: 'matrix' },
      'JobOrchestratorService/ChangeSchedule': { schedule: 'matrix', change: 'pause', reason: 'matrix' },
      'JobOrchestratorService/CreatePlan': { ...drain, reason: 'matrix' },
      'JobOrchestratorService/CreateSchedule': { ...schedule, name: 'another', idempotencyKey: 'another' },
      'JobOrchestratorService/GetJob': { jobId },
      'JobOrchestratorService/GetPlan': { plan: planId },
      'JobOrchestratorService/ListJobs': { tenantId: tenant },
      'JobOrchestratorService/PauseJob': { jobId, reason: 'matrix' },
      'JobOrchestratorService/RetryJob': { jobId, reason: 'matrix' },
      'JobOrchestratorService/SignalJob': { jobId, signal: 'matrix' },
      'JobOrchestratorService/StartJob': { ...start, idempotencyKey: 'another' },
      'JobOrchestratorService/UnpauseJob': { jobId, reason: 'matrix' },
      'PlacementService/GetTenant': { tenantId: tenant },
    };
    const refused = await callAll(stack, await tokenOn(other), about);
    expect(Object.keys(refused).sort()).toEqual(Object.keys(about).sort());
    for (const [name, { code, details }] of Object.entries(refused))
      expect([name, code, details]).toEqual([name, 'permission_denied', { permission: permissions[name], scope: `/tenants/${tenant}` }]);
    // Their own is let through: what stands in the way then is the thing itself.
    const own = await callAll(stack, await tokenOn(tenant), about);
    for (const [name, { code }] of Object.entries(own)) expect([name, code === 'permission_denied']).toEqual([name, false]);

    const lists = ['AuditService/ListRecords', 'JobOrchestratorService/ListJobs', 'JobOrchestratorService/ListSchedules'];
    for (const name of [...lists, 'PlacementService/ListTenants']) {
      const seen = JSON.stringify(await resultOf(await tokenOn(other), name, {}));
      expect([name, seen.includes(`"${tenant}"`)]).toEqual([name, false]);
      expect([name, JSON.stringify(await resultOf(await tokenOn(tenant), name, {})).includes(`"${tenant}"`)]).toEqual([name, true]);
    }
  }, 60_000);

  it('leaves what is the platform’s to those who hold a permission on it', async () => {
    const answers = await callAll(stack, await tokenOn(other));
    const looking = [
      ...['AuditService/ListRecords', 'ChangeStreamService/Watch', 'PlacementService/GetTenant', 'PlacementService/ListTenants'],
      ...Object.keys(permissions).filter((name) => name.startsWith('JobOrchestratorService/') && !/\/List(Locks|Replicas)$/.test(name)),
    ];
    for (const [name, { code }] of Object.entries(answers).filter(([asked]) => !looking.includes(asked)))
      expect([name, code]).toEqual([name, 'permission_denied']);
  });
});
