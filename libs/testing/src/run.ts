/** The folder of this Jest run, and the record of servers that are ended with it (libs/testing/run). */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { commandOf } from '@fairlead/local-servers';

/** The run's folder, shared by all workers. */
export function runFolder(): string {
  const dir = process.env['FAIRLEAD_TEST_RUN'];
  if (dir === undefined) throw new Error('Real servers are for tests named *.int.spec.ts and *.e2e.spec.ts, run by tools/jest.mjs');
  return dir;
}

/** A new empty folder that is deleted with the run; PostgreSQL's user can enter it. */
export function testFolder(name: string): string {
  const dir = join(runFolder(), `${name}-${randomBytes(6).toString('hex')}`);
  mkdirSync(dir);
  chmodSync(dir, 0o711);
  return dir;
}

/** Has a server ended with the run, whatever happens to the test that started it; `remove` are folders outside the run's. */
export function recordServer(server: { pid: number; signal: NodeJS.Signals; remove?: string[] }): void {
  const record = { pid: server.pid, command: commandOf(server.pid) ?? '', signal: server.signal, remove: server.remove ?? [] };
  writeFileSync(join(runFolder(), 'servers', String(server.pid)), JSON.stringify(record));
}
