import { Agent, request } from 'undici';
import { z } from 'zod';
import type { PlacedKind } from '@fairlead/contracts';
import { Problem, type HttpAnswer } from '../http/server.js';
import type { AppliedPlacement } from './applied-placement.js';

export interface RouterOptions {
  placement: AppliedPlacement;
  /** How long a command may wait here in all before its caller has to come again. */
  maxParkedMs?: number;
  /** How many commands may wait at a time. */
  maxParked?: number;
  /** How long a shard may take to answer. */
  answerTimeoutMs?: number;
}

/** A numbered command of a tenant. `closed` tells that its caller has gone. */
export interface RoutedCommand {
  tenant: string;
  kind: PlacedKind;
  seq: number;
  closed: () => boolean;
}

/** What a shard's answer means to the one who routes: pass it on, or ask again once something has changed. */
type Reply = { pass: HttpAnswer } | { wait: 'change'; why: string } | { wait: 'revision'; revision: number; shardId: string };

const problemSchema = z.object({ code: z.string(), revision: z.int().optional() });
const soonMs = 20;
const laterMs = 50;
const soonForMs = 1000;
const revisionWaitMs = 250;

/**
 * Takes commands to the shard that placement names. A command whose tenant is just being handed over waits here: it is asked
 * again at every placement change and every few milliseconds, until a shard takes it or its time is over. It is never given
 * up silently: the caller gets the shard's answer or a 503 and keeps the command.
 */
export class Router {
  private readonly agent: Agent;
  private readonly options: Required<RouterOptions>;
  private parkedCount = 0;
  private openCount = 0;
  private stopped = false;

  constructor(options: RouterOptions) {
    this.options = { maxParkedMs: 10_000, maxParked: 2000, answerTimeoutMs: 10_000, ...options };
    const timeout = this.options.answerTimeoutMs;
    this.agent = new Agent({
      connections: 64,
      keepAliveTimeout: 30_000,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: { timeout: 2000 },
    });
  }

  /** Commands being routed, parked ones included. */
  get inflight(): number {
    return this.openCount;
  }

  get parked(): number {
    return this.parkedCount;
  }

  /** Brings one command to its shard. Throws a Problem 503 when it could not within its time, 404 when no placement knows the tenant. */
  async route(command: RoutedCommand): Promise<HttpAnswer> {
    this.openCount += 1;
    try {
      return await this.untilTaken(command);
    } finally {
      this.openCount -= 1;
    }
  }

  async destroy(): Promise<void> {
    this.stopped = true;
    await this.agent.destroy();
  }

  private async untilTaken(command: RoutedCommand): Promise<HttpAnswer> {
    const startMs = performance.now();
    for (;;) {
      const reply = await this.ask(command);
      if ('pass' in reply) return reply.pass;
      const waitedMs = performance.now() - startMs;
      if (waitedMs >= this.options.maxParkedMs || command.closed() || this.stopped) {
        throw new Problem(503, 'unavailable', 'no shard took the command in time', {
          reason: reply.wait === 'change' ? reply.why : 'tenant_moved',
        });
      }
      const soon = waitedMs < soonForMs ? soonMs : laterMs;
      await this.park(() => (reply.wait === 'revision' ? this.reached(command, reply) : this.options.placement.change(soon)));
    }
  }

  private async ask({ tenant, kind, seq }: RoutedCommand): Promise<Reply> {
    const view = this.options.placement.current();
    if (view === undefined) throw new Problem(503, 'unavailable', 'the gateway knows no placement yet');
    const shardId = view.shardOf(kind, tenant);
    if (shardId === undefined) throw new Problem(404, 'tenant_unknown', 'the placement does not know the tenant');
    const url = view.shard(kind, shardId)?.endpoints[0]?.url;
    if (url === undefined) return { wait: 'change', why: 'shard_without_endpoint' };
    let status: number;
    let body: unknown;
    try {
      const response = await request(`${url}/tenants/${tenant}/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ seq }),
        dispatcher: this.agent,
      });
      status = response.statusCode;
      body = await response.body.json();
    } catch {
      // Refused, reset or too slow: whether the shard did the command shows when it is asked again.
      return { wait: 'change', why: 'shard_unreachable' };
    }
    return interpret(status, body, shardId);
  }

  private async park(wait: () => Promise<void>): Promise<void> {
    if (this.parkedCount >= this.options.maxParked) throw new Problem(503, 'overloaded', 'the gateway holds too many commands');
    this.parkedCount += 1;
    try {
      await wait();
    } finally {
      this.parkedCount -= 1;
    }
  }

  // Asking the same shard again is of no use before the placement has come as far as the shard says.
  private async reached({ tenant, kind }: RoutedCommand, moved: { revision: number; shardId: string }): Promise<void> {
    const { placement } = this.options;
    const untilMs = performance.now() + revisionWaitMs;
    for (let leftMs = revisionWaitMs; leftMs > 0; leftMs = untilMs - performance.now()) {
      const view = placement.current();
      if (view?.shardOf(kind, tenant) !== moved.shardId) return;
      // As far as the shard says, and still there: the tenant may be on its way back to it.
      if (view.revision >= moved.revision) return placement.change(soonMs);
      await placement.change(leftMs);
    }
  }
}

function interpret(status: number, body: unknown, shardId: string): Reply {
  if (status === 200) return { pass: { status, body: body as object } };
  const { code, revision = 0 } = problemSchema.safeParse(body).data ?? { code: 'unavailable' };
  if (code === 'tenant_moved') return { wait: 'revision', revision, shardId };
  // A shard that does not know the tenant yet is behind this gateway's placement.
  if (status >= 500 || code === 'tenant_unknown') return { wait: 'change', why: code };
  return { pass: { status, body: body as object, contentType: 'application/problem+json' } };
}
