import { afterEach, describe, expect, it } from '@jest/globals';
import { recordServer, testFolder } from '@fairlead/testing';
import { chmodSync, existsSync, mkdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { isAlive, removePostgres, startPostgres, type PostgresOptions, type RunningPostgres } from './index.js';

const folders: string[] = [];
const lines: string[] = [];
const log = (line: string) => lines.push(line);

afterEach(async () => {
  for (const dir of folders.splice(0)) await removePostgres({ dir, log });
  lines.length = 0;
});

function folder(): string {
  const dir = join(testFolder('local-postgres'), 'pg');
  folders.push(dir);
  return dir;
}

async function start(options: Omit<PostgresOptions, 'log'>): Promise<RunningPostgres> {
  const server = await startPostgres({ fsync: false, log, ...options });
  recordServer({ pid: server.pid, signal: 'SIGQUIT' });
  return server;
}

async function query(server: RunningPostgres, text: string): Promise<unknown[]> {
  const client = new Client({
    host: server.host,
    port: server.port,
    user: 'postgres',
    password: server.adminPassword,
    database: 'postgres',
  });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it('makes a cluster that keeps its data and password through a clean stop', async () => {
    const dir = folder();
    const first = await start({ dir });
    await query(first, 'create table kept as select 41 + 1 as n');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    expect(await first.exited).toEqual({ code: 0, signal: null });

    const second = await start({ dir });
    expect(await query(second, 'select n from kept')).toEqual([{ n: 42 }]);
    expect(second.adminPassword).toBe(first.adminPassword);
    expect(lines).toEqual(['Making a new PostgreSQL data folder']);
    expect(statSync(join(dir, 'admin-password')).mode & 0o777).toBe(0o600);
    await second.stop();
    await second.stop();
  });

  it('listens on 127.0.0.1 only, and asks for the password', async () => {
    const server = await start({ dir: folder() });
    const settings = await query(
      server,
      "select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by 1",
    );
    expect(settings).toEqual([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
    await expect(query({ ...server, adminPassword: 'wrong' }, 'select 1')).rejects.toThrow(/password authentication failed/);
    await server.stop();
  });

  it('ends the server that a killed run left on the same folder', async () => {
    const dir = folder();
    const left = await start({ dir });
    const next = await start({ dir });
    expect(lines).toContain(`Stopping the PostgreSQL server (pid ${String(left.pid)}) that an earlier run left`);
    expect(isAlive(left.pid)).toBe(false);
    expect(await query(next, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  it('starts again after the server itself was killed', async () => {
    const dir = folder();
    const killed = await start({ dir });
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    const next = await start({ dir });
    expect(lines).toContain('Removing the pid file of a PostgreSQL server that is gone');
    expect(await query(next, 'select 1 as one')).toEqual([{ one: 1 }]);
    await next.stop();
  });

  it('leaves another program alone whose pid stands in a stale file', async () => {
    const dir = folder();
    const first = await start({ dir });
    await first.stop();
    writeFileSync(join(first.dataDir, 'postmaster.pid'), `${String(process.pid)}\n${first.dataDir}\n`);
    const second = await start({ dir });
    expect(isAlive(process.pid)).toBe(true);
    expect(await query(second, 'select 1 as one')).toEqual([{ one: 1 }]);
    await second.stop();
  });

  it('refuses a port that is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    await expect(start({ dir: folder(), port })).rejects.toThrow(`Port ${String(port)} of 127.0.0.1, meant for PostgreSQL, is taken`);
    await new Promise((resolve) => blocker.close(resolve));
  });

  it('works below a folder that only its owner may enter, as root too', async () => {
    const locked = testFolder('locked');
    chmodSync(locked, 0o700);
    const dir = join(locked, 'pg');
    folders.push(dir);
    const first = await start({ dir });
    await query(first, 'create table kept as select 1 as n');
    await first.stop();
    const second = await start({ dir });
    expect(await query(second, 'select n from kept')).toEqual([{ n: 1 }]);
    await second.stop();
    const elsewhere = realpathSync(second.dataDir).startsWith('/var/lib/fairlead/');
    expect(elsewhere).toBe(process.getuid?.() === 0);
    if (!elsewhere) return;
    rmSync(dirname(realpathSync(second.dataDir)), { recursive: true });
    await expect(start({ dir })).rejects.toThrow('which is gone');
    expect(existsSync(join(dir, 'data'))).toBe(false);
  });

  it('does not take over data whose password is lost, nor a half-made cluster', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'data.new'), { recursive: true });
    writeFileSync(join(dir, 'data.new', 'PG_VERSION'), 'half');
    const server = await start({ dir });
    await server.stop();
    rmSync(join(dir, 'admin-password'));
    await expect(start({ dir })).rejects.toThrow(/admin-password is missing/);
  });
});
