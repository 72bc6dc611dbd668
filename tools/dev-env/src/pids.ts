/** `<state>/pids.json`: `{service: pid}` with postgres, nats and fleet-sim, always current. */
import { join } from 'node:path';
import { commandOf, environmentOf, isAlive, stopPid } from '@fairlead/local-servers';
import { readJsonObject, writeWhole } from './files.js';

/** Environment variable by which a process is known to belong to a state folder. */
export const stateDirVariable = 'FAIRLEAD_STATE_DIR';

export interface PidBoard {
  /** Sets or, with undefined, removes pids by name, and writes the file. */
  set(names: readonly string[], pid: number | undefined): void;
  all(): Record<string, number>;
}

/** Begins an empty board. */
export function createPidBoard(stateDir: string): PidBoard {
  const file = join(stateDir, 'pids.json');
  const pids = new Map<string, number>();
  const write = () => {
    writeWhole(file, `${JSON.stringify(Object.fromEntries(pids), null, 2)}\n`);
  };
  write();
  return {
    set: (names, pid) => {
      for (const name of names) {
        if (pid === undefined) pids.delete(name);
        else pids.set(name, pid);
      }
      write();
    },
    all: () => Object.fromEntries(pids),
  };
}

/** How long a service of an earlier run gets to end by itself. */
const patience = [{ signal: 'SIGTERM', timeoutMs: 10_000 }] as const;

/**
 * Stops services that a killed run left, as `pids.json` names them. PostgreSQL and NATS are left to whoever starts
 * them next: they look after their own folders.
 */
export async function stopLeftoverServices(stateDir: string, log: (line: string) => void): Promise<void> {
  const named = readJsonObject(join(stateDir, 'pids.json')) ?? {};
  const pids = new Map<number, string[]>();
  for (const [name, pid] of Object.entries(named)) {
    if (name === 'postgres' || name === 'nats' || typeof pid !== 'number') continue;
    if (isOurs(pid, stateDir)) pids.set(pid, [...(pids.get(pid) ?? []), name]);
  }
  if (pids.size === 0) return;
  log(`Stopping what an earlier run left: ${[...pids].map(([pid, names]) => `${names.join(', ')} (pid ${String(pid)})`).join('; ')}`);
  await Promise.all([...pids.keys()].map((pid) => stopPid(pid, patience)));
}

/** True for a process that was started for this state folder: its environment, or where that can't be read its command line, says so. */
export function isOurs(pid: number, stateDir: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid || !isAlive(pid)) return false;
  const belongsTo = environmentOf(pid, stateDirVariable);
  if (belongsTo !== undefined) return belongsTo === stateDir;
  return process.platform !== 'linux' && (commandOf(pid) ?? '').includes('follow-parent.js');
}
