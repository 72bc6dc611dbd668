/** What processes have used of the processors, as Linux tells. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of a hundredth of a second, in microseconds. */
const tickUs = 10_000;

interface Usage {
  parent: number;
  ownUs: number;
  /** Of children that have ended. */
  endedUs: number;
}

/** Microseconds that a process has used since its start. */
export function cpuUs(pid: number): number {
  return usageOf(pid)?.ownUs ?? 0;
}

/** The same with all children of the process, those that have ended included: of a PostgreSQL server. */
export function cpuUsWithChildren(pid: number): number {
  const server = usageOf(pid);
  if (server === undefined) return 0;
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ofChildren = children.map((name) => usageOf(Number(name))).filter((usage) => usage?.parent === pid);
  return ofChildren.reduce((sum, usage) => sum + (usage?.ownUs ?? 0), server.ownUs + server.endedUs);
}

/** Undefined for a process that has gone. */
function usageOf(pid: number): Usage | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const fields =
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ') ?? [];
    const number = (index: number) => Number(fields[index]);
    return { parent: number(1), ownUs: (number(11) + number(12)) * tickUs, endedUs: (number(13) + number(14)) * tickUs };
  } catch {
    return undefined;
  }
}
