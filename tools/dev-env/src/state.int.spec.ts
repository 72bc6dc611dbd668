/** The state folder against real processes: lock, leftovers, ports. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parsePrivateJwk } from '@fairlead/auth';
import { freePort, isAlive, startTimeOf } from '@fairlead/local-servers';
import { testFolder } from '@fairlead/testing';
import { takeLock } from './lock.js';
import { createPidBoard, isOurs, stateDirVariable, stopLeftoverServices } from './pids.js';
import { choosePorts } from './ports.js';
import { notReady } from './readiness.js';
import { prepareSecrets } from './secrets.js';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function idleProcess(stateDir?: string): Promise<number> {
  const env = stateDir === undefined ? process.env : { ...process.env, [stateDirVariable]: stateDir };
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log()'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

describe('the lock', () => {
  it('tells a second start who holds it, and is free after release', () => {
    const dir = join(testFolder('lock'), 'state');
    const lock = takeLock(dir, () => undefined);
    const second = () => takeLock(dir, () => undefined);
    expect(second).toThrow(`(pid ${String(process.pid)}): it is starting`);
    lock.announce('http://127.0.0.1:7400');
    expect(second).toThrow(`(pid ${String(process.pid)}): http://127.0.0.1:7400`);
    lock.release();
    second().release();
  });

  it.each([
    ['of a process that is gone', () => JSON.stringify({ pid: 4_000_000, startTime: '1', url: '' })],
    ['whose pid another process has now', () => JSON.stringify({ pid: process.pid, startTime: 'long ago', url: '' })],
    ['that was cut off', () => '{"pid":'],
  ])('%s is taken over, and that is said', (_, text) => {
    const dir = testFolder('lock');
    writeFileSync(join(dir, 'lock'), text());
    const said: string[] = [];
    const lock = takeLock(dir, (line) => said.push(line));
    expect(said).toEqual(['Taking over the state folder from a run that was killed']);
    expect(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'))).toEqual({
      pid: process.pid,
      startTime: startTimeOf(process.pid),
      url: '',
    });
    lock.release();
  });
});

describe('leftovers', () => {
  it('are stopped when they belong to the folder, and other processes never', async () => {
    const dir = testFolder('leftovers');
    const [ours, others, strange] = [await idleProcess(dir), await idleProcess('/another/state'), await idleProcess()];
    const pids = { placement: ours, audit: ours, provisioner: others, 'fleet-sim': strange, 'api-gateway': process.pid, postgres: ours };
    writeFileSync(join(dir, 'pids.json'), JSON.stringify(pids));
    expect([ours, others, strange, process.pid, 4_000_000].map((pid) => isOurs(pid, dir))).toEqual([true, false, false, false, false]);
    const said: string[] = [];
    await stopLeftoverServices(dir, (line) => said.push(line));
    expect([ours, others, strange].map(isAlive)).toEqual([false, true, true]);
    expect(said).toEqual([`Stopping what an earlier run left: placement, audit (pid ${String(ours)})`]);
  });

  it('that cannot be read are none', async () => {
    const dir = testFolder('leftovers');
    writeFileSync(join(dir, 'pids.json'), '{"placement":');
    await expect(stopLeftoverServices(dir, () => undefined)).resolves.toBeUndefined();
  });
});

describe('pids.json', () => {
  it('holds what runs now', () => {
    const dir = testFolder('pids');
    const board = createPidBoard(dir);
    board.set(['placement', 'audit'], 11);
    board.set(['nats'], 12);
    board.set(['audit'], undefined);
    expect(JSON.parse(readFileSync(join(dir, 'pids.json'), 'utf8'))).toEqual({ placement: 11, nats: 12 });
    expect(board.all()).toEqual({ placement: 11, nats: 12 });
  });
});

describe('choosePorts', () => {
  it('keeps its choice, gives up a port that was taken meanwhile, and never gives one twice', async () => {
    const file = join(testFolder('ports'), 'ports.json');
    const first = await choosePorts(file, ['a', 'b']);
    expect(await choosePorts(file, ['a', 'b'])).toEqual(first);
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(first.a, '127.0.0.1', resolve));
    const second = await choosePorts(file, ['a', 'b', 'c']);
    await new Promise((resolve) => blocker.close(resolve));
    expect(second.a).not.toBe(first.a);
    expect(second.b).toBe(first.b);
    expect(new Set(Object.values(second)).size).toBe(3);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(second);
  });
});

describe('the ports of a stack', () => {
  it('are none that a server could be given that listens while the stack still starts', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `service-${String(index)}`);
    const ahead = Object.values(await choosePorts(join(testFolder('ports'), 'ports.json'), names));
    expect(ahead.filter((port) => port < 12_000 || port > 19_999)).toEqual([]);
    const atOnce = await Promise.all(names.map(() => freePort()));
    expect(atOnce.filter((port) => port < 20_000 || port > 32_000)).toEqual([]);
  });
});

describe('notReady', () => {
  it.each([
    ['a service that is ready', { service: 'audit', checks: { postgres: { ok: true } } }, undefined],
    ['a service that misses something', { service: 'audit', checks: { nats: { ok: false, problem: 'is away' } } }, 'nats: is away'],
    ['another program on its port', { status: 'ok' }, 'another program answers at '],
  ])('tells %s', async (_, answer, expected) => {
    const server = createHttpServer((_request, response) => response.end(JSON.stringify(answer)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const reason = await notReady('audit', url);
    server.closeAllConnections();
    server.close();
    expect(reason?.replace(url, '')).toBe(expected);
  });
});

describe('prepareSecrets', () => {
  it('makes them once, for the owner alone, and trusts exactly the public halves', async () => {
    const dir = testFolder('secrets');
    const first = await prepareSecrets(dir, { simulatedFleet: true });
    const files = [
      ...Object.values(first.databasePasswords),
      ...Object.values(first.keys),
      first.bootstrapKey ?? '',
      first.identityKey,
      first.fleetToken,
      first.natsToken,
      first.natsFleetToken,
    ];
    const before = files.map((file) => readFileSync(file, 'utf8'));
    await prepareSecrets(dir, { simulatedFleet: true });
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    expect(files.map((file) => statSync(file).mode & 0o777)).toEqual(files.map(() => 0o600));
    expect(statSync(join(dir, 'secrets')).mode & 0o777).toBe(0o700);
    const trusted = JSON.parse(readFileSync(first.trustJwks, 'utf8')) as { keys: { kid: string; x: string; d?: string }[] };
    const keys = [...Object.values(first.keys), first.bootstrapKey ?? ''].map((file) => parsePrivateJwk(readFileSync(file, 'utf8')));
    expect(trusted.keys.map(({ kid, x, d }) => ({ kid, x, d }))).toEqual(keys.map(({ kid, x }) => ({ kid, x, d: undefined })));
  });
});
