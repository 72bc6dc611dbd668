import { z } from 'zod';
import { serviceKinds } from '@fairlead/contracts';
import type { Report } from '../checker/accountant.js';
import { breakableRules } from '../fleet/broken-rules.js';
import type { Knobs, Member } from '../fleet/member.js';
import type { AdminEffect } from '../ledger/effects.js';
import { parseInput, Problem, type HttpRequest, type Route } from '../http/server.js';

export interface ControlOptions {
  members: readonly Member[];
  tenants: readonly { tenant_id: string; name: string }[];
  report: (sinceUs: number) => Promise<Report>;
  effects: (keyPrefix: string) => Promise<{ effects: AdminEffect[]; complete: boolean }>;
  /** The name or address it is reached at. */
  host: string;
}

const defaultRestartMs = 500;
const maxDelayMs = 60_000;

const sinceSchema = z
  .union([
    z
      .string()
      .regex(/^\d{1,16}$/)
      .transform(Number),
    z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
  ])
  .catch(() => NaN);
const knobsSchema = z.strictObject({
  health: z.enum(['healthy', 'unhealthy']).optional(),
  delay_ms: z.int().min(0).max(maxDelayMs).optional(),
  stuck: z.boolean().optional(),
  frozen: z.boolean().optional(),
  misroutes: z.boolean().optional(),
  breaks: z.array(z.enum(breakableRules)).optional(),
  down: z.boolean().optional(),
  crash: z.union([z.literal(true), z.strictObject({ restart_ms: z.int().min(0).max(600_000) })]).optional(),
});
const memberParams = z.object({ kind: z.enum(serviceKinds, 'not a kind of service'), shard: z.string() });

/** The routes by which the simulated fleet is watched and disturbed. */
export function controlRoutes(options: ControlOptions): Route[] {
  const routes: Route[] = [
    { method: 'GET', path: '/health', handle: () => ({ status: 200, body: { status: 'ok' } }) },
    { method: 'GET', path: '/sim/report', handle: async (request) => ({ status: 200, body: await report(options, request) }) },
    { method: 'GET', path: '/sim/effects', handle: async (request) => ({ status: 200, body: await effects(options, request) }) },
    { method: 'GET', path: '/sim/topology', handle: () => ({ status: 200, body: topology(options) }) },
    { method: 'GET', path: '/sim/shards', handle: () => ({ status: 200, body: { items: options.members.map(memberStatus) } }) },
    {
      method: 'POST',
      path: '/sim/shards/:kind/:shard',
      handle: async (request) => ({ status: 200, body: await turnKnobs(options, request) }),
    },
  ];
  return routes.map((route) => ({
    ...route,
    handle(request) {
      refuseForeignNames(request, options.host);
      return route.handle(request);
    },
  }));
}

async function report({ report: read }: ControlOptions, request: HttpRequest): Promise<object> {
  const given = request.query.get('since');
  const sinceMs = given === null ? 0 : parseInput(sinceSchema, given);
  if (Number.isNaN(sinceMs))
    throw new Problem(400, 'invalid_argument', 'since: milliseconds since the epoch or an RFC 3339 time is expected');
  const { throughUs, findings } = await read(sinceMs * 1000);
  return { as_of: new Date(throughUs / 1000).toISOString(), as_of_ms: Math.floor(throughUs / 1000), ...findings };
}

async function effects({ effects: read }: ControlOptions, request: HttpRequest): Promise<object> {
  const { effects: items, complete } = await read(request.query.get('key_prefix') ?? '');
  return { items, complete };
}

function topology({ members, tenants }: ControlOptions): object {
  return {
    shards: members.map(({ kind, shardId, url }) => ({
      kind,
      shard_id: shardId,
      endpoints: [{ endpoint_id: `${shardId}-1`, url }],
      weight: 1,
      labels: { fleet: 'simulated' },
    })),
    tenants,
  };
}

async function turnKnobs({ members }: ControlOptions, request: HttpRequest): Promise<object> {
  const { kind, shard } = parseInput(memberParams, request.params);
  const { health, delay_ms: delayMs, stuck, frozen, misroutes, breaks, down, crash } = parseInput(knobsSchema, request.body);
  const member = members.find((candidate) => candidate.kind === kind && candidate.shardId === shard);
  if (member === undefined) throw new Problem(404, 'shard_not_found', 'the fleet has no such shard');
  const turned: Partial<Knobs> = {};
  if (health !== undefined) turned.health = health;
  if (delayMs !== undefined) turned.delayMs = delayMs;
  if (stuck !== undefined) turned.stuck = stuck;
  if (frozen !== undefined) turned.frozen = frozen;
  if (misroutes !== undefined) turned.misroutes = misroutes;
  if (breaks !== undefined) turned.breaks = breaks;
  member.turn(turned);
  if (crash !== undefined) await member.crash(crash === true ? defaultRestartMs : crash.restart_ms);
  if (down === true) await member.takeDown();
  if (down === false) await member.bringBack();
  return memberStatus(member);
}

function memberStatus({ kind, shardId, url, running, down, knobs }: Member): object {
  const { health, delayMs, stuck, frozen, misroutes, breaks } = knobs;
  return { kind, shard_id: shardId, url, running, down, health, delay_ms: delayMs, stuck, frozen, misroutes, breaks };
}

// A web page that a browser was told is at this address must not reach the knobs.
function refuseForeignNames({ headers }: HttpRequest, own: string): void {
  const name = (headers.host ?? '').replace(/:\d+$/, '');
  if (!['127.0.0.1', 'localhost', '[::1]', own].includes(name))
    throw new Problem(403, 'permission_denied', 'the control server answers to its own name only');
}
