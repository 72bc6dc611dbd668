import { isTerminal } from '@fairlead/contracts';
import { jobEventSchema, type Api, type Job, type JobEvent } from './api.js';
import { CliError, exitCodes } from './exit.js';
import { isPassing } from './http/client.js';
import { transitionRenderer } from './view/transitions.js';

export interface WatchOptions {
  /** Gives up after this time; the job goes on. */
  readonly timeoutMs: number;
  /** Called with the job as it is at first, to learn who takes its events. */
  readonly onStart: (job: Job) => (event: JobEvent) => void;
  /** Pauses between attempts to connect again, the last one for all further ones. */
  readonly reconnectDelaysMs?: readonly number[];
}

const defaultReconnectDelaysMs = [100, 500, 2_000, 5_000];

/**
 * Follows a job from its first event to its last and answers it as it then is. A stream that breaks is resumed
 * behind the last event seen, so that each is told once, as long as there is time. Throws CliError with the
 * timeout exit code when there is none left, and ApiError when the gateway refuses.
 */
export async function watchJob(api: Pick<Api, 'job' | 'jobEvents'>, jobId: string, options: WatchOptions): Promise<Job> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  try {
    return await follow(api, jobId, options, deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    const limit = `within ${options.timeoutMs / 1_000} s`;
    throw new CliError(`job ${jobId} has not ended ${limit}; it goes on: fairlead job watch ${jobId}`, exitCodes.timeout, { cause: error });
  }
}

async function follow(api: Pick<Api, 'job' | 'jobEvents'>, jobId: string, options: WatchOptions, deadline: AbortSignal): Promise<Job> {
  const delaysMs = options.reconnectDelaysMs ?? defaultReconnectDelaysMs;
  const onEvent = options.onStart(await api.job(jobId, deadline));
  let cursor = '0';
  // The deadline bounds this: it aborts every request and pause.
  for (let failures = 0; ; failures++) {
    if (failures > 0) await pause(delaysMs[Math.min(failures, delaysMs.length) - 1] ?? 1_000, deadline);
    try {
      for await (const { id, data } of api.jobEvents(jobId, cursor, deadline)) {
        failures = 0;
        onEvent(parseEvent(data));
        if (id !== '') cursor = id;
      }
      const job = await api.job(jobId, deadline);
      if (isTerminal(job.status)) return job;
    } catch (error) {
      // A stream that breaks throws an error that is not ours.
      if (deadline.aborted || (error instanceof CliError && !isPassing(error))) throw error;
    }
  }
}

function parseEvent(data: string): JobEvent {
  try {
    return jobEventSchema.parse(JSON.parse(data));
  } catch (cause) {
    throw new CliError('the gateway sent an event that is not understood', exitCodes.failed, { cause });
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Error('no time is left'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** Tells each event of a job as a line of text. */
export function tellTransitions(write: (text: string) => void): WatchOptions['onStart'] {
  return (job) => {
    const render = transitionRenderer(Math.max(3, ...job.steps.map(({ name }) => name.length)));
    return (event) => {
      write(render(event));
    };
  };
}
