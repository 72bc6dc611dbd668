// Ends the servers that the tests of one Jest run started and deletes the run's folder. Servers are recorded as
// files in <run>/servers; a pid is signalled only while it still has the recorded command line.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** True while a process with this pid exists. */
export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function commandOf(pid) {
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    } catch {
      return '';
    }
  }
  return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

async function end({ pid, command, signal }) {
  const ours = () => commandOf(pid) === command && command !== '';
  for (const step of [signal, 'SIGKILL']) {
    if (!ours()) return;
    try {
      process.kill(-pid, step);
    } catch {
      return;
    }
    for (let waited = 0; waited < 5_000 && ours(); waited += 20) await delay(20);
  }
}

/** Servers that a stack of the run's started, when it could not stop them: their command lines name the folder. */
function unrecorded(runDir, recorded) {
  const text = existsSync('/proc/self/cmdline')
    ? readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => `${pid} ${commandOf(pid)}`)
    : spawnSync('ps', ['-A', '-ww', '-o', 'pid=,command='], { encoding: 'utf8' }).stdout.split('\n');
  return text
    .map((line) => /^\s*(\d+) (.*)$/.exec(line))
    .filter((match) => match !== null && match[2].includes(`${runDir}/`) && Number(match[1]) !== process.pid)
    .map(([, pid, command]) => ({ pid: Number(pid), command, signal: command.includes('postgres') ? 'SIGQUIT' : 'SIGTERM', remove: [] }))
    .filter(({ pid }) => !recorded.has(pid));
}

/** Ends every recorded server of the run, then deletes its folder and what it keeps elsewhere. */
export async function sweep(runDir) {
  const records = join(runDir, 'servers');
  const files = existsSync(records) ? readdirSync(records) : [];
  const servers = files.map((file) => JSON.parse(readFileSync(join(records, file), 'utf8')));
  await Promise.all([...servers, ...unrecorded(runDir, new Set(servers.map(({ pid }) => pid)))].map(end));
  for (const path of servers.flatMap((server) => server.remove)) rmSync(path, { recursive: true, force: true });
  rmSync(runDir, { recursive: true, force: true, maxRetries: 5 });
}
