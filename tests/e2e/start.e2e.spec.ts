/** `npm start` as a process of its own: second starts, signals, kills, restarts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, eventuallyHolds, testFolder, victoriaMetricsProgram } from '@fairlead/testing';
import { Operator } from './support/operator.js';

const main = join(import.meta.dirname, '../../tools/dev-env/dist/main.js');
const runs: Start[] = [];

beforeAll(() => {
  victoriaMetricsProgram();
}, 300_000);

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.child.kill('SIGINT');
    await run.ended;
  }
}, 60_000);

class Start {
  output = '';
  readonly ended: Promise<number | null>;

  constructor(readonly child: ChildProcess) {
    runs.push(this);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** The URL of the ready line. */
  ready(timeoutMs: number): Promise<string> {
    return eventually(() => /^Fairlead is ready: (\S+)$/m.exec(this.output)?.[1] ?? Promise.reject(new Error(this.output)), {
      timeoutMs,
      what: 'the ready line',
    });
  }
}

function start(stateDir: string, ...args: string[]): Start {
  return new Start(spawn(process.execPath, [main, '--state', stateDir, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: process.env }));
}

/** Every process that was started for a state folder, by environment or command line. */
function processesOf(stateDir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const belongs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`FAIRLEAD_STATE_DIR=${stateDir}`);
        return belongs || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${stateDir}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

const pidsOf = (stateDir: string) => JSON.parse(readFileSync(join(stateDir, 'pids.json'), 'utf8')) as Record<string, number>;
const loginOf = (stateDir: string) =>
  JSON.parse(readFileSync(join(stateDir, 'first-admin.json'), 'utf8')) as { email: string; password: string };
const simUrlOf = (stateDir: string) => (JSON.parse(readFileSync(join(stateDir, 'sim.json'), 'utf8')) as { url: string }).url;

async function tenantsAt(url: string, stateDir: string): Promise<string[]> {
  const operator = await Operator.login(url, simUrlOf(stateDir), loginOf(stateDir));
  const { body } = await operator.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants?limit=200');
  return body.items.map((tenant) => tenant.tenant_id);
}

const servers = ['postgres', ...(process.env['NATS_URL'] === undefined ? ['nats'] : []), 'victoria-metrics'];
const allServices = ['placement', 'provisioner', 'fleet-observer', 'audit', 'job-orchestrator', 'api-gateway', 'fleet-sim', ...servers];

describe('npm start', () => {
  const stateDir = join(testFolder('start'), 'state');

  it('comes up, names its processes, and stops all of them at Ctrl-C, however often it is pressed', async () => {
    const first = start(stateDir, '--port', '0');
    const url = await first.ready(150_000);
    const pids = pidsOf(stateDir);
    expect(Object.keys(pids).sort()).toEqual([...allServices].sort());
    expect(new Set(allServices.slice(0, 6).map((service) => pids[service])).size).toBe(1);
    expect(statSync(join(stateDir, 'first-admin.json')).mode & 0o777).toBe(0o600);
    expect(await tenantsAt(url, stateDir)).not.toHaveLength(0);

    const second = start(stateDir, '--port', '0');
    expect(await second.ended).toBe(1);
    expect(second.output).toContain(`Fairlead already runs on ${stateDir} (pid ${String(first.child.pid)}): ${url}`);

    for (let press = 0; press < 3; press += 1) first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    expect(first.output.match(/Stopping: services first/g)).toHaveLength(1);
    expect(processesOf(stateDir)).toEqual([]);
    expect(pidsOf(stateDir)).toEqual({});
    expect(existsSync(join(stateDir, 'lock'))).toBe(false);
    expect(readFileSync(join(stateDir, 'postgres/postgres.log'), 'utf8').trimEnd()).toMatch(/database system is shut down$/);
  }, 400_000);

  it('is ready again with its data, and after a kill stops what was left', async () => {
    const killed = start(stateDir, '--port', '0', '--separate');
    const url = await killed.ready(150_000);
    const before = await tenantsAt(url, stateDir);
    const left = pidsOf(stateDir);
    expect(new Set(Object.values(left)).size).toBe(allServices.length);
    killed.child.kill('SIGKILL');
    await killed.ended;

    const next = start(stateDir, '--port', '0');
    expect(await next.ready(150_000)).toBe(url);
    expect(next.output).toContain('Taking over the state folder from a run that was killed');
    expect(next.output).toContain(`Stopping the PostgreSQL server (pid ${String(left['postgres'])}) that an earlier run left`);
    expect(processesOf(stateDir).filter((pid) => Object.values(left).includes(pid))).toEqual([]);
    expect(await tenantsAt(url, stateDir)).toEqual(before);
    next.child.kill('SIGTERM');
    expect(await next.ended).toBe(0);
    expect(processesOf(stateDir)).toEqual([]);
  }, 400_000);

  it('starts its own servers again when they end by themselves', async () => {
    const run = start(stateDir, '--port', '0', '--no-sim');
    const url = await run.ready(150_000);
    const before = pidsOf(stateDir);
    for (const server of servers) process.kill(before[server] ?? 0, 'SIGKILL');
    await eventuallyHolds(
      async () => {
        const now = pidsOf(stateDir);
        for (const server of servers) expect([undefined, before[server]]).not.toContain(now[server]);
        expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ status: 'ready' });
      },
      { timeoutMs: 30_000, what: 'both servers to be there again' },
    );
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect(processesOf(stateDir)).toEqual([]);
  }, 300_000);

  it('stops cleanly in the middle of a start', async () => {
    const run = start(stateDir, '--port', '0');
    await eventually(() => run.output.includes('Starting the services'), { timeoutMs: 30_000, what: 'the services to be started' });
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect(run.output).not.toContain('Fairlead is ready');
    expect(processesOf(stateDir)).toEqual([]);
  }, 60_000);

  it('says what is wrong with a port that is taken or an option it does not know, and starts nothing', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const taken = start(stateDir, '--port', String(port));
    const code = await taken.ended;
    await new Promise((resolve) => blocker.close(resolve));
    expect(code).toBe(1);
    expect(taken.output).toContain(
      `Port ${String(port)} is taken by another program. Stop it, or choose another port: npm start -- --port N`,
    );

    const unknown = start(stateDir, '--prot', '1');
    expect(await unknown.ended).toBe(2);
    expect(unknown.output).toContain("Unknown option '--prot'");
    expect(processesOf(stateDir)).toEqual([]);
  }, 30_000);
});
