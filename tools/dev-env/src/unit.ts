/** One supervised Node process: one service, or all of them, or the simulated fleet. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { signalPid, waitUntilGone } from '@fairlead/local-servers';
import { configurationExitCode } from '@fairlead/service-runtime';
import { restartDelayMs, settledAfterMs } from './backoff.js';
import type { Hold } from './hold.js';
import { followParentScript, root } from './paths.js';

export interface UnitSpec {
  /** For people: what it is. */
  readonly name: string;
  /** Names in pids.json that this process stands for. */
  readonly services: readonly string[];
  /** Script and arguments. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Gets the process's output. */
  readonly logFile: string;
}

export interface UnitHooks {
  readonly log: (line: string) => void;
  /** Called at every start and end. */
  readonly onPid: (pid: number | undefined) => void;
  /** A fixed delay before each new start, instead of growing ones. */
  readonly restartDelayMs?: number | undefined;
}

export interface Unit {
  readonly spec: UnitSpec;
  /** Why it is no use to wait for it any longer, or undefined. */
  problem(): string | undefined;
  /** Kills the process with SIGKILL and keeps it down. */
  hold(): Promise<Hold>;
  /** SIGTERM, then SIGKILL when the drain takes too long. */
  stop(): Promise<void>;
}

const stopTimeoutMs = 30_000;
/** Ends in a row, with no 30 s of running between, after which waiting is no use. */
const hopelessAfter = 4;

/** Starts a process and starts it again whenever it ends, with growing delays; a wrong configuration ends that. */
export function startUnit(spec: UnitSpec, hooks: UnitHooks): Unit {
  let child: ChildProcess | undefined;
  let startedAt = 0;
  let failures = 0;
  let misconfigured = false;
  let stopping = false;
  let held = false;
  let timer: NodeJS.Timeout | undefined;
  let gone: Promise<unknown> = Promise.resolve();

  const launch = () => {
    startedAt = performance.now();
    const launched = spawnUnit(spec);
    child = launched;
    hooks.onPid(launched.pid);
    launched.once('error', (error) => {
      if (launched.pid === undefined) ended(error.message);
    });
    gone = new Promise((resolve) => {
      launched.once('exit', (code, signal) => {
        misconfigured = code === configurationExitCode;
        ended(signal ?? `exit code ${String(code)}`);
        resolve(undefined);
      });
    });
  };
  const ended = (how: string) => {
    child = undefined;
    hooks.onPid(undefined);
    if (stopping || held) return;
    if (misconfigured) {
      hooks.log(`${spec.name} can't run with its configuration; see ${spec.logFile}`);
      return;
    }
    failures = performance.now() - startedAt > settledAfterMs ? 1 : failures + 1;
    const delayMs = hooks.restartDelayMs ?? restartDelayMs(failures);
    hooks.log(`${spec.name} ended (${how}); starting it again in ${String(delayMs / 1000)} s. Its log: ${spec.logFile}`);
    timer = setTimeout(launch, delayMs);
  };
  launch();
  return {
    spec,
    problem: () => {
      if (misconfigured) return `${spec.name} can't run with its configuration`;
      return failures >= hopelessAfter ? `${spec.name} ended ${String(failures)} times in a row` : undefined;
    },
    hold: async () => {
      const pid = child?.pid;
      if (held || pid === undefined) throw new Error(`${spec.name} is not running, so it can't be held`);
      held = true;
      signalPid(pid, 'SIGKILL', true);
      await gone;
      let released = false;
      return {
        release: () => {
          if (!released && !stopping) {
            held = false;
            failures = 0;
            launch();
          }
          released = true;
          return Promise.resolve();
        },
      };
    },
    stop: async () => {
      stopping = true;
      clearTimeout(timer);
      const pid = child?.pid;
      if (pid === undefined) return;
      signalPid(pid, 'SIGTERM');
      if (!(await waitUntilGone(pid, stopTimeoutMs))) {
        hooks.log(`${spec.name} did not stop within ${String(stopTimeoutMs / 1000)} s and is killed`);
        signalPid(pid, 'SIGKILL', true);
      }
      await gone;
    },
  };
}

/** In a process group of its own, so that a Ctrl-C reaches us alone; it ends by itself when we are gone. */
function spawnUnit(spec: UnitSpec): ChildProcess {
  const log = openSync(spec.logFile, 'a', 0o600);
  try {
    const child = spawn(process.execPath, ['--import', followParentScript, ...spec.args], {
      cwd: root,
      env: spec.env,
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    child.channel?.unref();
    return child;
  } finally {
    closeSync(log);
  }
}
