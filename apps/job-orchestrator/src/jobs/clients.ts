import type { configV1, fleetV1, placementV1, provisionerV1 } from '@fairlead/contracts';
import type { Sql } from '@fairlead/postgres';
import type { RpcClient } from '@fairlead/rpc';

/** The services that job kinds look at and act through. */
export interface JobClients {
  placement: RpcClient<placementV1.PlacementServiceService>;
  config: RpcClient<configV1.ConfigServiceService>;
  provisioner: RpcClient<provisionerV1.ProvisionerServiceService>;
  fleet: RpcClient<fleetV1.FleetObserverServiceService>;
}

/** What an operator may set of the kinds' checks and bounds. */
export interface JobSettings {
  /** A shard or tenant with more unapplied work than this is not moved, or moved to. */
  maxLag: number;
  /** A target with more requests in work than this takes no tenant. */
  maxInflight: number;
  /** How long a drain may take before it is given up. */
  drainTimeoutMs: number;
  /** How long the hand-over may fail before it is given up. */
  handOverTimeoutMs: number;
  /** How long each step after the point of no return may fail before a person is asked for. */
  forwardTimeoutMs: number;
  /** How long each undo may fail before a person is asked for. */
  undoTimeoutMs: number;
  /** How many tenants one replica pauses at once. */
  maxPaused: number;
}

export interface KindDependencies extends JobClients {
  settings: JobSettings;
  /** The jobs' own tables, for checks like "no other job is on this tenant". */
  sql: Sql;
}
