import type { FastifyReply } from 'fastify';
import {
  FairleadError,
  type auditV1,
  type chainV1,
  type configV1,
  type definitionV1,
  type fleetV1,
  type jobsV1,
  type logV1,
  type placementV1,
  type projectionsV1,
} from '@fairlead/contracts';
import type { CallOptions, RpcClient } from '@fairlead/rpc';
import { currentContext } from '@fairlead/telemetry';

export type JobsClient = RpcClient<jobsV1.JobOrchestratorServiceService>;
export type PlacementClient = RpcClient<placementV1.PlacementServiceService>;
export type ConfigClient = RpcClient<configV1.ConfigServiceService>;
export type DefinitionClient = RpcClient<definitionV1.DefinitionServiceService>;
export type FleetClient = RpcClient<fleetV1.FleetObserverServiceService>;
export type AuditClient = RpcClient<auditV1.AuditServiceService>;
export type ChainClient = RpcClient<chainV1.ChainServiceService>;
export type LogClient = RpcClient<logV1.LogServiceService>;
export type ProjectionsClient = RpcClient<projectionsV1.ProjectionServiceService>;

/** Under these Nest hands the clients to controllers. */
export const jobsClient = Symbol('client of job-orchestrator');
export const placementClient = Symbol('client of placement');
export const configClient = Symbol("client of placement's configuration registry");
export const definitionClient = Symbol("client of placement's definitions");
export const fleetClient = Symbol('client of fleet-observer');
export const auditClient = Symbol('client of audit');
export const chainClient = Symbol('client of the audit chain');
export const logClient = Symbol("client of audit's look into the log");
export const projectionsClient = Symbol("client of audit's control of projections");

/** Calls with the caller's own token: the service checks their permission itself. */
export function asCaller(options: Omit<CallOptions, 'token'> = {}): CallOptions {
  const token = currentContext()?.bearer;
  if (token === undefined) throw new FairleadError('unauthenticated', 'An access token is needed');
  return { ...options, token };
}

/** Throws when a service left out what its contract promises. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new FairleadError('internal', `the answer has no ${what}`);
  return value;
}

/** Tells the caller the position of their write, to read it back with `wait_for`. */
export function tellPosition(reply: FastifyReply, position: number | undefined): void {
  if (position !== undefined && position > 0) reply.header('x-fairlead-position', String(position));
}

/** Proto's empty text stands for none. */
export function orNull(value: string): string | null {
  return value === '' ? null : value;
}
