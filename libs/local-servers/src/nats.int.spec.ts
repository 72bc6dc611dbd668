import { describe, expect, it } from '@jest/globals';
import { recordServer, testFolder } from '@fairlead/testing';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isNewEnough } from './nats-binary.js';
import { isAlive, startNats, type NatsOptions, type RunningNats } from './index.js';
import { greeting } from './processes.js';

const lines: string[] = [];
const log = (line: string) => lines.push(line);

async function start(options: Omit<NatsOptions, 'log'>): Promise<RunningNats> {
  const server = await startNats({ log, ...options });
  recordServer({ pid: server.pid, signal: 'SIGTERM' });
  return server;
}

describe('startNats', () => {
  it('serves JetStream on 127.0.0.1 with the authorization asked for, flushing every message', async () => {
    const dir = testFolder('local-nats');
    const server = await start({ dir, authorization: 'authorization { token: only-for-this-test }' });
    const info = JSON.parse((await greeting(server.port, 1_000))?.replace(/^INFO /, '') ?? '{}') as Record<string, unknown>;
    expect(info).toMatchObject({
      jetstream: true,
      auth_required: true,
      version: server.version,
      host: '127.0.0.1',
      max_payload: 1_048_576,
    });
    expect(isNewEnough(server.version)).toBe(true);
    expect(readFileSync(join(dir, 'nats.conf'), 'utf8')).toContain('sync_interval: always');
    expect(statSync(join(dir, 'nats.conf')).mode & 0o777).toBe(0o600);
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  it('ends the server that a killed run left on the same folder', async () => {
    const dir = testFolder('local-nats');
    const left = await start({ dir });
    const next = await start({ dir });
    expect(lines).toContain(`Stopping the NATS server (pid ${String(left.pid)}) that an earlier run left`);
    expect(isAlive(left.pid)).toBe(false);
    await next.stop();
  });

  it('leaves another program alone whose pid stands in a stale file', async () => {
    const dir = testFolder('local-nats');
    writeFileSync(join(dir, 'nats.pid'), String(process.pid));
    const server = await start({ dir });
    expect(isAlive(process.pid)).toBe(true);
    await server.stop();
  });

  it('refuses a port that is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    await expect(start({ dir: testFolder('local-nats'), port })).rejects.toThrow(
      `Port ${String(port)} of 127.0.0.1, meant for NATS, is taken`,
    );
    await new Promise((resolve) => blocker.close(resolve));
  });
});
