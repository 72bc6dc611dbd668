/** Measures in processes of their own, begun at the same moment: all of them prepare, then all of them go. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What one sort of such a process is told, and what it answers. */
export interface Task {
  options: unknown;
  result: unknown;
}

/** A bench's sorts of processes, by name. */
export type Tasks<Of> = { [Name in keyof Of]: Task };

/** What happens around the measuring; each is given the processes' ids, in their order. */
export interface Around {
  /** All are ready. */
  begin?: (pids: readonly number[]) => void | Promise<void>;
  /** All have answered, and are still there. */
  end?: (pids: readonly number[]) => void | Promise<void>;
}

export type FromProcess = { ready: true } | { result: unknown } | { failed: string };

/**
 * How to run processes of a program that ends in `serve`: one for each of the options, all of one task or each of its own. It
 * answers what they answer, in their order.
 */
export function processesOf<Of extends Tasks<Of>>(program: URL) {
  return async <Name extends keyof Of & string>(
    tasks: Name | readonly Name[],
    list: readonly Of[Name]['options'][],
    { begin, end }: Around = {},
  ): Promise<Of[Name]['result'][]> => {
    const children = list.map((_, n) =>
      fork(fileURLToPath(program), [typeof tasks === 'string' ? tasks : (tasks[n] ?? '')], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        // What peers do with their drivers is theirs to mend.
        execArgv: [...process.execArgv, '--disable-warning=DeprecationWarning', '--disable-warning=TimeoutNegativeWarning'],
      }),
    );
    const pids = children.map((child) => child.pid ?? NaN);
    try {
      await Promise.all(children.map((child, n) => tell(child, list[n])));
      await begin?.(pids);
      const answers = await Promise.all(children.map((child) => tell(child, 'go')));
      await end?.(pids);
      return answers.map((answer) => (answer as { result: Of[Name]['result'] }).result);
    } finally {
      await Promise.all(children.map(kill));
    }
  };
}

/** What prepares each task: it is given the options, and what it answers measures. */
export type Preparations<Of extends Tasks<Of>> = {
  readonly [Name in keyof Of]: (options: Of[Name]['options']) => Promise<() => Promise<Of[Name]['result']>>;
};

/** The main function of such a process: prepares with the first message, measures at the second. */
export function serve<Of extends Tasks<Of>>(preparations: Preparations<Of>): void {
  // Whoever started it has gone, and nobody else would end it.
  process.once('disconnect', () => process.exit());
  const answer = (message: FromProcess) => process.send?.(message);
  const run = async (name: keyof Of) => {
    const [options] = (await once(process, 'message')) as [Of[keyof Of]['options']];
    const measure = await preparations[name](options);
    const told = once(process, 'message');
    answer({ ready: true });
    await told;
    answer({ result: await measure() });
  };
  run(process.argv[2] as keyof Of).catch((error: unknown) => {
    answer({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
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

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
