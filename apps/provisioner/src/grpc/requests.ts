import { z } from 'zod';
import { FairleadError, placedKinds, namePattern, serviceKinds, type provisionerV1, type ServiceKind } from '@fairlead/contracts';
import type { CommandContext, TenantOnShard } from '../domain/command.js';

const name = z.string().regex(namePattern, 'not a name: up to 63 lower-case letters, digits or -');
const positive = z.number().int().min(1, 'a number from 1 on is needed').max(Number.MAX_SAFE_INTEGER);

const commandSchema = z.object({
  idempotencyKey: z.string().regex(/^[A-Za-z0-9._:/+=@-]{1,200}$/, 'an idempotency key of 1 to 200 visible characters is needed'),
  fence: positive,
  reason: z.string().trim().min(1, 'a reason is needed').max(1_000),
});

const tenantSchema = z.object({
  tenantId: name,
  kind: z.enum(placedKinds, 'not a kind of service that tenants are placed on'),
  shardId: name,
});

const shardSchema = z.object({ kind: z.enum(serviceKinds, 'not a kind of service'), shardId: name });

/** Checks what every command carries. These functions throw `invalid_argument`, naming the field. */
export function commandOf(command: provisionerV1.CommandContext | undefined): CommandContext {
  return checked(commandSchema, command, 'command');
}

export function tenantOf(tenant: provisionerV1.TenantOnShard | undefined, field: string): TenantOnShard {
  return checked(tenantSchema, tenant, field);
}

export function shardOf(shard: { kind: string; shardId: string }): { kind: ServiceKind; shardId: string } {
  return checked(shardSchema, shard, 'shard');
}

/** The shard a tenant goes to, which is another one than the one it comes from. */
export function targetShardOf(toShardId: string, from: TenantOnShard): string {
  const shardId = checked(name, toShardId, 'to_shard_id');
  if (shardId === from.shardId)
    throw new FairleadError('invalid_argument', 'to_shard_id: the tenant is there already', { details: { field: 'to_shard_id' } });
  return shardId;
}

/** The placement revision of a move, 0 for none. */
export function movedRevisionOf(revision: number): number {
  return checked(z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER), revision, 'moved_revision');
}

function checked<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = [field, ...(issue?.path ?? [])].join('.');
  throw new FairleadError('invalid_argument', `${at}: ${issue?.message ?? 'not valid'}`, { details: { field: at } });
}
