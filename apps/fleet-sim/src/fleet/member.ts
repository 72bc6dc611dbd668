import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, type ServiceKind } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { HttpServer, Problem, type Route } from '../http/server.js';
import { breaking, type BreakableRule } from './broken-rules.js';

/** What a tester can turn on a member of the fleet. */
export interface Knobs {
  health: 'healthy' | 'unhealthy';
  delayMs: number;
  stuck: boolean;
  /** Connections are accepted and nothing is answered; what came meanwhile is worked on afterwards, late. */
  frozen: boolean;
  /** A gateway finds no route for any request. */
  misroutes: boolean;
  /** Rules of the fleet contract that it does not keep. */
  breaks: readonly BreakableRule[];
}

/** One life of a member: from its start out of durable state to its stop or crash. */
export interface Incarnation {
  routes: readonly Route[];
  ready(): boolean;
  /** Prometheus text. */
  metrics(): Promise<string>;
  knobsTurned(): void;
  stop(): Promise<void>;
  /** Ends as a power cut would. */
  crash(): Promise<void>;
}

export interface MemberOptions {
  kind: ServiceKind;
  shardId: string;
  host: string;
  boot: (member: { knobs: Readonly<Knobs>; crashed: (error: unknown) => void }) => Promise<Incarnation>;
  logger: Logger;
}

/** A service of the simulated fleet: a server of its own over one incarnation, which a crash takes away and disk brings back. */
export class Member {
  readonly knobs: Knobs = { health: 'healthy', delayMs: 0, stuck: false, frozen: false, misroutes: false, breaks: [] };
  private port = 0;
  private life: { incarnation: Incarnation; server: HttpServer } | undefined;
  private restart: Promise<void> | undefined;
  private told: PromiseWithResolvers<undefined> | undefined;
  private thawed = Promise.withResolvers<undefined>();
  private readonly stopping = new AbortController();

  constructor(private readonly options: MemberOptions) {}

  get kind(): ServiceKind {
    return this.options.kind;
  }

  get shardId(): string {
    return this.options.shardId;
  }

  get url(): string {
    return `http://${this.options.host}:${String(this.port)}`;
  }

  get running(): boolean {
    return this.life !== undefined;
  }

  /** Whether it was taken down, and not brought back. */
  get down(): boolean {
    return this.told !== undefined;
  }

  /** Starts out of what the disk holds; returns the port it listens on. */
  async start(port: number): Promise<number> {
    const incarnation = await this.options.boot({
      knobs: this.knobs,
      crashed: (error) => {
        this.failed(error);
      },
    });
    const server = new HttpServer(this.freezable(incarnation), (error) => {
      this.log('error', 'request failed', error);
    });
    try {
      this.port = await server.listen(port, this.options.host);
    } catch (error) {
      await incarnation.stop();
      throw error;
    }
    this.life = { incarnation, server };
    return this.port;
  }

  turn(knobs: Partial<Knobs>): void {
    Object.assign(this.knobs, knobs);
    if (!this.knobs.frozen) {
      this.thawed.resolve(undefined);
      this.thawed = Promise.withResolvers();
    }
    this.life?.incarnation.knobsTurned();
  }

  /** Crashes and comes back after a time; resolves when it is down. A member that is down stays down as long as it was to. */
  async crash(restartMs: number): Promise<void> {
    const { life } = this;
    if (life === undefined) return;
    this.life = undefined;
    const down = Promise.all([life.server.destroy(), life.incarnation.crash()]);
    this.restart = down.then(() => this.comeBack(restartMs));
    await down;
  }

  /** Crashes and stays down until it is brought back. */
  async takeDown(): Promise<void> {
    this.told ??= Promise.withResolvers();
    await this.crash(0);
  }

  /** Ends a time down that takeDown began; resolves when it serves again. */
  async bringBack(): Promise<void> {
    this.told?.resolve(undefined);
    this.told = undefined;
    await this.restart;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.told?.resolve(undefined);
    await this.restart;
    const { life } = this;
    this.life = undefined;
    await life?.server.destroy();
    await life?.incarnation.stop();
  }

  private async comeBack(restartMs: number): Promise<void> {
    const { signal } = this.stopping;
    for (let waitMs = restartMs; ; waitMs = retryMs) {
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      await this.told?.promise;
      if (signal.aborted) return;
      try {
        await this.start(this.port);
        return;
      } catch (error) {
        this.log('error', 'cannot restart', error);
      }
    }
  }

  // A disk that refused a write leaves memory worthless: start again from what it holds.
  private failed(error: unknown): void {
    this.log('error', 'the disk failed', error);
    void this.crash(retryMs);
  }

  private probes(incarnation: Incarnation): Route[] {
    const probe = (path: string, good: () => boolean): Route => ({
      method: 'GET',
      path,
      handle: () => (good() ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'unavailable' } }),
    });
    const healthy = () => this.knobs.health === 'healthy';
    return [
      probe('/health', healthy),
      probe('/ready', () => healthy() && incarnation.ready()),
      {
        method: 'GET',
        path: '/metrics',
        handle: async () => ({ status: 200, body: await incarnation.metrics(), contentType: 'text/plain; version=0.0.4; charset=utf-8' }),
      },
    ];
  }

  private freezable(incarnation: Incarnation): Route[] {
    const routes = breaking([...this.probes(incarnation), ...incarnation.routes], () => this.knobs.breaks);
    return routes.map((route) => ({
      ...route,
      handle: async (request) => {
        const isFrozen = () => this.knobs.frozen;
        if (isFrozen()) {
          while (isFrozen()) await this.thawed.promise;
          // What a crash took with it is not done by the next life.
          if (this.life?.incarnation !== incarnation) throw new Problem(503, 'unavailable', 'the member is gone');
        }
        return route.handle(request);
      },
    }));
  }

  private log(level: 'error' | 'info', message: string, error: unknown): void {
    this.options.logger[level]({ kind: this.kind, shard_id: this.shardId, error: describeError(error) }, message);
  }
}

const retryMs = 1000;

/** Routes whose answers come later by as much as a knob says at that moment. */
export function delayed(routes: readonly Route[], delayMs: () => number): Route[] {
  return routes.map((route) => ({
    ...route,
    async handle(request) {
      const answer = await route.handle(request);
      if (delayMs() > 0) await sleep(delayMs());
      return answer;
    },
  }));
}
