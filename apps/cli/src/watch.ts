import { isTerminal, resumeEvents } from '@fairlead/contracts';
import { jobEventSchema, type Api, type JobEvent } from './api.js';
import { CliError, exitCodes } from './exit.js';
import { isFinal } from './http/client.js';
import type { KnownJob } from './jobs-api.js';
import { transitionRenderer } from './view/transitions.js';

export interface WatchOptions {
  /** Gives up after this time; the job goes on. */
  readonly timeoutMs: number;
  /** Called with the job as it is at first, to learn who takes its events. */
  readonly onStart: (job: KnownJob) => (event: JobEvent) => void;
  /** Pauses between attempts to connect again, the last one for all further ones. */
  readonly reconnectDelaysMs?: readonly number[];
}

/**
 * Follows a job from its first event to its last and answers it as it then is. A stream that breaks is resumed
 * behind the last event seen, so that each is told once, as long as there is time. Throws CliError with the
 * timeout exit code when there is none left, and ApiError when the gateway refuses.
 */
export async function watchJob(api: Pick<Api, 'job' | 'openJobEvents'>, jobId: string, options: WatchOptions): Promise<KnownJob> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  try {
    return await follow(api, jobId, options, deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    const limit = `within ${options.timeoutMs / 1_000} s`;
    throw new CliError(`job ${jobId} has not ended ${limit}; it goes on: fairlead job watch ${jobId}`, exitCodes.timeout, { cause: error });
  }
}

async function follow(
  api: Pick<Api, 'job' | 'openJobEvents'>,
  jobId: string,
  options: WatchOptions,
  deadline: AbortSignal,
): Promise<KnownJob> {
  let job = await api.job(jobId, deadline);
  const onEvent = options.onStart(job);
  const events = resumeEvents({
    open: (cursor, signal) => api.openJobEvents(jobId, cursor ?? '0', signal),
    signal: deadline,
    isRefusal: isFinal,
    isComplete: async () => {
      job = await api.job(jobId, deadline);
      return isTerminal(job.status);
    },
    delaysMs: options.reconnectDelaysMs,
  });
  for await (const { data } of events) onEvent(parseEvent(data));
  deadline.throwIfAborted();
  return job;
}

function parseEvent(data: string): JobEvent {
  try {
    return jobEventSchema.parse(JSON.parse(data));
  } catch (cause) {
    throw new CliError('the gateway sent an event that is not understood', exitCodes.failed, { cause });
  }
}

/** Tells each event of a job as a line of text. */
export function tellTransitions(write: (text: string) => void): WatchOptions['onStart'] {
  return (job) => {
    const render = transitionRenderer(Math.max(3, ...job.steps.map(({ name }) => name?.length ?? 0)));
    return (event) => {
      write(render(event));
    };
  };
}
