import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '@fairlead/config';

const lockSchema = z.object({ pid: z.int().min(1), started: z.string() });
const heldHere = new Set<string>();

/**
 * Takes a folder for this fleet alone: two of them writing the same ledgers would damage both. What a killed process left
 * behind is taken over.
 *
 * @returns gives the folder back
 * @throws Error that names the process which has the folder
 */
export async function takeFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true });
  const file = join(resolve(dir), 'lock.json');
  const holder = await readLock(file);
  const alive =
    holder !== undefined && holder.started === (await startOf(holder.pid)) && (holder.pid !== process.pid || heldHere.has(file));
  if (alive) throw new Error(`the folder ${dir} is in use by another simulated fleet (process ${String(holder.pid)})`);
  heldHere.add(file);
  await writeFileAtomically(file, JSON.stringify({ pid: process.pid, started: await startOf(process.pid) }));
  return async () => {
    heldHere.delete(file);
    await rm(file, { force: true });
  };
}

async function readLock(file: string): Promise<z.output<typeof lockSchema> | undefined> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // Absent, or cut short by a crash: nobody holds it.
    return undefined;
  }
}

// When a process started, as far as the system tells; a number that was given to another process has another start.
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
  } catch {
    return isRunning(pid) ? 'unknown' : 'gone';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
