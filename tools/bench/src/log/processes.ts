/** Measures in processes of their own, begun at the same moment: all of them prepare, then all of them go. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AnnounceOptions } from './announcing.js';
import type { Appended, AppendingOptions } from './appending.js';
import type { ReadOptions } from './reading.js';
import type { PaceOptions, RelayOptions, Times, WatchOptions } from './watching.js';

/** What such a process can do: what it is told, and what it answers. */
export interface Jobs {
  announce: { options: AnnounceOptions; result: Times };
  append: { options: AppendingOptions; result: Appended };
  pace: { options: PaceOptions; result: Times };
  read: { options: ReadOptions; result: Times };
  relay: { options: RelayOptions; result: Times };
  watch: { options: WatchOptions; result: Times };
}

export type JobName = keyof Jobs;
export type FromProcess = { ready: true } | { result: unknown } | { failed: string };

const program = fileURLToPath(new URL('./process.js', import.meta.url));

/** Runs one process for each of the options, all of one job or each of its own; answers what they answer, in their order. `begin` is called when all are ready. */
export async function inProcesses<Name extends JobName>(
  jobs: Name | readonly Name[],
  list: readonly Jobs[Name]['options'][],
  begin: () => void = () => undefined,
): Promise<Jobs[Name]['result'][]> {
  const children = list.map((_, n) =>
    fork(program, [typeof jobs === 'string' ? jobs : (jobs[n] ?? '')], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  try {
    await Promise.all(children.map((child, n) => tell(child, list[n])));
    begin();
    const answers = await Promise.all(children.map((child) => tell(child, 'go')));
    return answers.map((answer) => (answer as { result: Jobs[Name]['result'] }).result);
  } finally {
    await Promise.all(children.map(end));
  }
}

async function tell(child: ChildProcess, message: unknown): Promise<Exclude<FromProcess, { failed: string }>> {
  const gone = new AbortController();
  const ended = once(child, 'exit', { signal: gone.signal }).then(([code]) => {
    throw new Error(`a measuring process ended with ${String(code)}`);
  });
  ended.catch(() => undefined);
  const answered = once(child, 'message', { signal: gone.signal });
  answered.catch(() => undefined);
  child.send(message as object);
  try {
    const [answer] = (await Promise.race([answered, ended])) as [FromProcess];
    if ('failed' in answer) throw new Error(answer.failed);
    return answer;
  } finally {
    gone.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
