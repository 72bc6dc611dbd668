import { Controller, Get, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Registry } from '@fairlead/telemetry';

/** One thing a service needs or likes to have. */
export interface ReadinessCheck {
  readonly name: string;
  /** A service without it is not ready; without it otherwise, it is degraded. */
  readonly required: boolean;
  /** Resolves with undefined when all is well, else with what is wrong. */
  check(): Promise<string | undefined>;
}

export interface ReadinessReport {
  status: 'ready' | 'degraded' | 'unavailable';
  checks: Record<string, { ok: boolean; problem?: string }>;
}

const checkTimeoutMs = 2_000;

/** Runs all checks at once, each for 2 s at most. */
export async function readinessOf(checks: readonly ReadinessCheck[]): Promise<ReadinessReport> {
  const results = await Promise.all(checks.map(async (check) => ({ check, problem: await problemOf(check) })));
  const failed = results.filter(({ problem }) => problem !== undefined);
  return {
    status: failed.some(({ check }) => check.required) ? 'unavailable' : failed.length > 0 ? 'degraded' : 'ready',
    checks: Object.fromEntries(
      results.map(({ check, problem }) => [check.name, problem === undefined ? { ok: true } : { ok: false, problem }]),
    ),
  };
}

async function problemOf(check: ReadinessCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve('no answer in time');
    }, checkTimeoutMs);
  });
  try {
    return await Promise.race([check.check(), late]);
  } catch {
    // The message may hold addresses; the log has it.
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}

/** What the health routes serve. */
export interface HealthSources {
  readonly service: string;
  readonly registry: Registry;
  readonly checks: readonly ReadinessCheck[];
}

const healthSources = Symbol('health sources');

@Controller()
export class HealthController {
  constructor(@Inject(healthSources) private readonly sources: HealthSources) {}

  /** The process runs and answers. */
  @Get('health')
  health() {
    return { status: 'ok', service: this.sources.service };
  }

  /** The service can do its work: 200 when ready or degraded, 503 when not. */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const report = await readinessOf(this.sources.checks);
    if (report.status === 'unavailable') reply.status(503);
    return { service: this.sources.service, ...report };
  }

  /** Prometheus text. */
  @Get('metrics')
  async metrics(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', this.sources.registry.contentType);
    return this.sources.registry.metrics();
  }
}

@Module({})
export class HealthModule {
  static of(sources: HealthSources): DynamicModule {
    return { module: HealthModule, controllers: [HealthController], providers: [{ provide: healthSources, useValue: sources }] };
  }
}
