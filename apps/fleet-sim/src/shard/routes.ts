import { timingSafeEqual, createHash } from 'node:crypto';
import { z } from 'zod';
import { namePattern, type PlacedKind } from '@fairlead/contracts';
import { parseInput, Problem, type HttpAnswer, type HttpRequest, type Route } from '../http/server.js';
import { adminOperations, type AdminOperation } from '../ledger/records.js';
import { OverloadedError, RefusedError, type Shard } from './shard.js';
import { sha256, type AdminCommand, type RefusalCode } from './tenant.js';

const refusalStatus: Record<RefusalCode, number> = {
  stale_fence: 409,
  tenant_state: 409,
  tenant_moved: 409,
  command_gap: 409,
  idempotency_key_reused: 409,
  tenant_unknown: 404,
  tenant_draining: 503,
};

const tenantId = z.string().regex(namePattern, 'not a tenant id');
const numberedCommand = z.object({ seq: z.int().min(1) });
export const commandBody = z.object({
  idempotency_key: z.string().regex(/^[\x21-\x7e]{1,200}$/, '1 to 200 visible ASCII characters are expected'),
  fence: z.int().min(0),
});
const bodies = {
  drain: commandBody,
  resume: commandBody,
  export: commandBody,
  import: commandBody.extend({ data: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in lower-case hex') }),
  drop: commandBody.extend({ moved_revision: z.int().min(0) }),
};
const copySchema = z.object({
  version: z.literal(1),
  tenant: z.string(),
  kind: z.string(),
  last_seq: z.int().min(0),
  pending: z.tuple([], 'a drained tenant has nothing pending'),
});

/** The contract's tenant routes of one shard. */
export function shardRoutes(shard: Shard, kind: PlacedKind, checkToken: (request: HttpRequest) => void): Route[] {
  return [
    {
      method: 'POST',
      path: '/tenants/:tenant/commands',
      handle: (request) => answer(() => shard.command(parseTenant(request), parseInput(numberedCommand, request.body).seq)),
    },
    { method: 'GET', path: '/admin/tenants/:tenant', handle: (request) => answer(() => shard.tenant(parseTenant(request))) },
    ...adminOperations.map((op): Route => ({
      method: 'POST',
      path: `/admin/tenants/:tenant/${op}`,
      handle: (request) => {
        checkToken(request);
        const tenant = parseTenant(request);
        const command = parseAdminCommand(op, { tenant, kind }, request.body);
        return answer(() => shard.administer(tenant, command));
      },
    })),
  ];
}

/** Makes the check of the fleet's token: throws a Problem 401 when a request does not carry it. */
export function tokenCheck(token: string): (request: HttpRequest) => void {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  const expected = digest(`Bearer ${token}`);
  return ({ headers }) => {
    if (!timingSafeEqual(digest(headers.authorization ?? ''), expected))
      throw new Problem(401, 'unauthenticated', 'the fleet token is missing or wrong');
  };
}

function parseTenant(request: HttpRequest): string {
  return parseInput(tenantId, request.params['tenant']);
}

function parseAdminCommand(op: AdminOperation, stream: { tenant: string; kind: string }, body: unknown): AdminCommand {
  if (op === 'drop') {
    const { idempotency_key: key, fence, moved_revision: movedRevision } = parseInput(bodies.drop, body);
    return { op, key, fence, movedRevision };
  }
  if (op === 'import') {
    const { idempotency_key: key, fence, data, sha256: sum } = parseInput(bodies.import, body);
    if (sha256(data) !== sum) throw new Problem(400, 'checksum_mismatch', 'the data does not have the checksum that came with it');
    return { op, key, fence, lastSeq: parseCopy(data, stream), sha256: sum };
  }
  const { idempotency_key: key, fence } = parseInput(bodies[op], body);
  return { op, key, fence };
}

function parseCopy(data: string, stream: { tenant: string; kind: string }): number {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new Problem(400, 'invalid_argument', 'data: not a copy of a tenant');
  }
  const copy = parseInput(copySchema, value);
  if (copy.tenant !== stream.tenant || copy.kind !== stream.kind)
    throw new Problem(400, 'invalid_argument', 'data: the copy is of another tenant or kind');
  return copy.last_seq;
}

async function answer(act: () => Promise<object>): Promise<HttpAnswer> {
  try {
    return { status: 200, body: await act() };
  } catch (error) {
    if (error instanceof RefusedError) {
      const { refused, message, details } = error.refusal;
      throw new Problem(refusalStatus[refused], refused, message, details);
    }
    if (error instanceof OverloadedError) throw new Problem(503, 'overloaded', error.message);
    throw error;
  }
}
