import { createHash } from 'node:crypto';
import type { EventBody, PlacedKind, ServiceKind } from '@fairlead/contracts';

type Issued = Extract<EventBody<'service_command'>, { type: 'command_issued' }>['payload'];

/** What a command's effect may answer. */
export type CommandAnswer = Extract<EventBody<'service_command'>, { type: 'command_succeeded' }>['payload']['answer'];

/** What the provisioner can tell a managed service to do. */
export type Operation = Issued['operation'];

/** A tenant's place on one shard. */
export interface TenantOnShard {
  readonly tenantId: string;
  readonly kind: PlacedKind;
  readonly shardId: string;
}

/** One command: what is asked of which resource, under which key and fence. */
export interface ServiceCommand {
  readonly operation: Operation;
  /** What the fence protects: `tenant/<tenant>/<kind>` or `shard/<kind>/<shard>`. */
  readonly resource: string;
  readonly tenantId?: string;
  /** All that makes one request differ from another, in the words of the contract. */
  readonly request: Issued['request'];
  readonly idempotencyKey: string;
  readonly fence: number;
  readonly reason: string;
}

/** The key, fence and reason of a command, checked. */
export type CommandContext = Pick<ServiceCommand, 'idempotencyKey' | 'fence' | 'reason'>;

/** A command about a tenant of one kind: all of them share one fence, at whichever shard. */
export function tenantCommand(
  operation: Exclude<Operation, 'reload'>,
  target: TenantOnShard,
  context: CommandContext,
  more: Pick<Issued['request'], 'to_shard_id' | 'moved_revision'> = {},
): ServiceCommand {
  const { tenantId, kind, shardId } = target;
  return {
    ...context,
    operation,
    resource: `tenant/${tenantId}/${kind}`,
    tenantId,
    request: { tenant_id: tenantId, kind, shard_id: shardId, ...more },
  };
}

/** A command about all endpoints of a shard. */
export function shardCommand(operation: 'reload', shard: { kind: ServiceKind; shardId: string }, context: CommandContext): ServiceCommand {
  const { kind, shardId } = shard;
  return { ...context, operation, resource: `shard/${kind}/${shardId}`, request: { kind, shard_id: shardId } };
}

/**
 * Identifies what a command asks for: equal for equal requests. Fence and reason are no part of it, for a job that
 * another replica took over repeats its step's command under the higher fence of the takeover.
 */
export function requestHash(command: Pick<ServiceCommand, 'operation' | 'resource' | 'request'>): string {
  const entries = Object.entries(command.request).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return createHash('sha256')
    .update(JSON.stringify([command.operation, command.resource, entries]))
    .digest('hex');
}
