/** Who may call what between services: every RPC of a whole stack, by every role. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { roles, type Permission, type Role } from '@fairlead/contracts';
import { startStack, type Stack } from '@fairlead/dev-env';
import { testFolder } from '@fairlead/testing';
import { callAll, gatewaySigner } from './support/rpcs.js';

/** What each RPC asks of its caller. One that is new is entered here, on purpose. */
const permissions: Readonly<Record<string, Permission>> = {
  'AuditService/DiscardDeadLetter': 'deadletter.manage',
  'AuditService/GetDeadLetter': 'deadletter.read',
  'AuditService/ListDeadLetters': 'deadletter.read',
  'AuditService/ListRecords': 'audit.read',
  'AuditService/ReplayDeadLetter': 'deadletter.manage',
  'ChainService/ExportChain': 'audit.export',
  'ChainService/GetChain': 'audit.read',
  'ChainService/VerifyChain': 'audit.read',
  'ChangeStreamService/Watch': 'change.read',
  'FleetObserverService/CheckShard': 'fleet.read',
  'FleetObserverService/GetAppliedPlacement': 'fleet.read',
  'FleetObserverService/GetSnapshot': 'fleet.read',
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
  'PlacementService/GetPlacement': 'placement.read',
  'PlacementService/GetShard': 'placement.read',
  'PlacementService/GetTenant': 'tenant.read',
  'PlacementService/ListShards': 'placement.read',
  'PlacementService/ListTenants': 'tenant.read',
  'PlacementService/MoveTenant': 'placement.move',
  'PlacementService/PutShard': 'placement.write',
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
