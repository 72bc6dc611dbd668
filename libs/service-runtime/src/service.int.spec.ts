/** A minimal service around a real Postgres and a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateSigningKey } from '@fairlead/auth';
import { createLogger } from '@fairlead/telemetry';
import { eventuallyHolds, testDatabase, testMessaging } from '@fairlead/testing';
import type { MigrationInterface } from 'typeorm';
import { openResources, startService, type RunningService, type ServiceConfig } from './index.js';

class Later1700000000000 implements MigrationInterface {
  up = () => Promise.resolve();
  down = () => Promise.resolve();
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let bus: Awaited<ReturnType<typeof testMessaging>>;
let config: ServiceConfig;
const logger = createLogger({ service: 'audit', level: 'fatal' });
const started: RunningService[] = [];

beforeAll(async () => {
  [database, bus] = await Promise.all([testDatabase({ service: 'audit', migrations: [] }), testMessaging()]);
  const key = await generateSigningKey('audit');
  config = {
    LOG_LEVEL: 'info',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: 0,
    TRUST_JWKS: JSON.stringify({ keys: [key.publicJwk] }),
    SERVICE_KEY: JSON.stringify(key.privateJwk),
    FAIRLEAD_VERSION: '1.2.3',
    FAIRLEAD_GIT_SHA: 'abc',
    DATABASE_URL: database.url,
    DATABASE_PASSWORD: database.password,
    DATABASE_POOL_SIZE: 2,
    AUDIT_CHAIN_LAG_LIMIT_EVENTS: 100_000,
    AUDIT_CHAIN_LAG_LIMIT_MS: 300_000,
    NATS_URL: bus.url,
    NATS_TOKEN: bus.token,
    OTEL_TRACES_SAMPLER_ARG: 1,
    NATS_NAMESPACE: bus.namespace,
  };
}, 60_000);

afterAll(async () => {
  for (const service of started) await service.stop();
  await bus.close();
  await database.drop();
});

async function start(
  change: Partial<ServiceConfig> = {},
  options: { migrations?: (typeof Later1700000000000)[]; onDrain?: (() => void)[] } = {},
) {
  const full = { ...config, ...change };
  const resources = await openResources({ name: 'audit', config: full, logger, migrations: options.migrations });
  const service = await startService({ resources, config: full, rpcs: [], onDrain: options.onDrain });
  started.push(service);
  return service;
}

async function get(service: RunningService, path: string) {
  const response = await fetch(`${service.httpUrl}${path}`);
  return { status: response.status, body: await response.text() };
}

describe('a service', () => {
  it('is healthy, ready and tells its build', async () => {
    const service = await start();
    await eventuallyHolds(
      async () => {
        expect(JSON.parse((await get(service, '/ready')).body)).toMatchObject({
          service: 'audit',
          status: 'ready',
          checks: { postgres: { ok: true }, migrations: { ok: true }, nats: { ok: true } },
        });
      },
      { what: 'the service to be ready' },
    );
    expect(await get(service, '/health')).toMatchObject({ status: 200 });
    expect((await get(service, '/metrics')).body).toContain('fairlead_build_info{service="audit",version="1.2.3",git_sha="abc"} 1');
    expect(service.grpcAddress).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  });

  it('is degraded, and stays in service, without NATS', async () => {
    const service = await start({ NATS_URL: 'nats://127.0.0.1:1' });
    const ready = await get(service, '/ready');
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body)).toMatchObject({ status: 'degraded', checks: { nats: { ok: false, problem: 'not connected' } } });
  });

  it('keeps streams on as many servers of a NATS cluster as it is told', async () => {
    const resources = await openResources({ name: 'audit', config: { ...config, NATS_REPLICAS: 3 }, logger });
    expect(resources.messaging.replicas).toBe(3);
    await resources.close();
  });

  it('is not ready while migrations are pending', async () => {
    const service = await start({}, { migrations: [Later1700000000000] });
    const ready = await get(service, '/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body)).toMatchObject({
      status: 'unavailable',
      checks: { migrations: { problem: 'not applied: Later1700000000000' } },
    });
  });

  it('does not start without Postgres, on a taken port, or with a broken key', async () => {
    await expect(start({ DATABASE_URL: 'postgres://x@127.0.0.1:1/x' })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(start({ SERVICE_KEY: 'secret-but-broken' })).rejects.toThrow('not a private JWK in JSON');
    const taken = Number(new URL(started[0]?.httpUrl ?? '').port);
    await expect(start({ HTTP_PORT: taken })).rejects.toThrow(`audit can't start on 127.0.0.1:${String(taken)}`);
  });

  it('warns when failpoints can make it die', async () => {
    const warnings: string[] = [];
    const destination = { write: (line: string) => void warnings.push(line) };
    process.env['FAIRLEAD_FAILPOINTS'] = '/run/failpoints';
    try {
      const resources = await openResources({
        name: 'audit',
        config,
        logger: createLogger({ service: 'audit', level: 'warn', destination }),
      });
      await resources.close();
    } finally {
      delete process.env['FAIRLEAD_FAILPOINTS'];
    }
    expect(warnings.join('')).toContain('"folder":"/run/failpoints","msg":"failpoints are on');
  });

  it('drains its work before it closes, once', async () => {
    const told: string[] = [];
    const service = await start({}, { onDrain: [() => void told.push('first'), () => void told.push('second')] });
    await Promise.all([service.stop(), service.stop()]);
    expect(told).toEqual(['first', 'second']);
    await expect(fetch(`${service.httpUrl}/health`)).rejects.toThrow('fetch failed');
  });
});
