/** One Fairlead per state folder. The lock names its owner by pid and start time, so that a reused pid is not taken for it. */
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeOf } from '@fairlead/local-servers';
import { readIfThere, writeWhole } from './files.js';

interface Owner {
  pid: number;
  startTime: string;
  /** Where the owner will be reached; '' while it does not know yet. */
  url: string;
}

export interface Lock {
  /** Tells whoever comes second where we are reached. */
  announce(url: string): void;
  release(): void;
}

const attempts = 5;

/**
 * Makes the state folder and takes its lock.
 * @throws Error when another Fairlead runs on the folder, or it can't be written
 */
export function takeLock(stateDir: string, log: (line: string) => void): Lock {
  makeFolder(stateDir);
  const file = join(stateDir, 'lock');
  const draft = `${file}.${String(process.pid)}`;
  const owner = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', url: '' } satisfies Owner;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (link(draft, file)) return ownLock(file, owner);
      const held = readIfThere(file);
      if (held === undefined) continue;
      const other = parseOwner(held);
      if (other !== undefined && isRunning(other)) {
        throw new Error(
          `Fairlead already runs on ${stateDir} (pid ${String(other.pid)}): ${other.url === '' ? 'it is starting' : other.url}\n` +
            'Stop it, or choose another folder with --state.',
        );
      }
      log('Taking over the state folder from a run that was killed');
      setAside(file, held);
    }
    throw new Error(`Another start is busy with ${stateDir}; try again`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** True while the process that took the lock is the one that has its pid. */
export function isRunning(owner: Pick<Owner, 'pid' | 'startTime'>): boolean {
  return owner.startTime !== '' && startTimeOf(owner.pid) === owner.startTime;
}

function makeFolder(stateDir: string): void {
  try {
    // PostgreSQL's user has to pass through when root starts it; nothing in here is listed to others.
    mkdirSync(stateDir, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new Error(`The state folder ${stateDir} can't be made: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, startTime, url } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof url !== 'string') return undefined;
    return { pid, startTime, url };
  } catch {
    return undefined;
  }
}

/** Removes the stale lock that was read, and not one that somebody else has taken meanwhile. */
function setAside(file: string, stale: string): void {
  const aside = `${file}.stale.${String(process.pid)}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readIfThere(aside) !== stale) link(aside, file);
  rmSync(aside, { force: true });
}

function ownLock(file: string, owner: Owner): Lock {
  let text = JSON.stringify(owner);
  return {
    announce: (url) => {
      text = JSON.stringify({ ...owner, url });
      writeWhole(file, text);
    },
    release: () => {
      if (readIfThere(file) === text) rmSync(file, { force: true });
    },
  };
}
