import { describe, expect, it } from '@jest/globals';
import { followJob, type StreamState } from './job-stream.js';
import { ApiProblem } from './problem.js';
import type { JobEvent } from './types.js';

const frame = (position: number, type: string) =>
  `id: ${position}\nevent: ${type}\ndata: ${JSON.stringify({ position, type, payload: {} })}\n\n`;

/** A stream of these frames, which then ends, breaks, or says nothing more. */
function streamOf(frames: readonly string[], then: 'end' | 'break' | 'silence' = 'end', signal?: AbortSignal): ReadableStream<Uint8Array> {
  const left = [...frames];
  return new ReadableStream({
    pull: async (controller) => {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(Buffer.from(next));
      else if (then === 'end') controller.close();
      else if (then === 'break') controller.error(new TypeError('network error'));
      else {
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
        controller.error(new DOMException('aborted', 'AbortError'));
      }
    },
  });
}

type Script = (signal: AbortSignal) => ReadableStream<Uint8Array>;

async function follow(scripts: readonly Script[], options: { idleTimeoutMs?: number } = {}) {
  const left = [...scripts];
  const cursors: unknown[] = [];
  const events: JobEvent[] = [];
  const states: StreamState[] = [];
  const leaving = new AbortController();
  const failure = await followJob({
    client: {
      stream: (_path, { query, signal }) => {
        cursors.push(query?.['cursor']);
        const script = left.shift();
        if (script === undefined) {
          leaving.abort();
          return Promise.reject(new ApiProblem({ status: 0, code: 'unreachable', detail: 'the script is over' }));
        }
        return Promise.resolve().then(() => script(signal));
      },
    },
    jobId: 'job_1',
    signal: leaving.signal,
    onEvent: (event) => events.push(event),
    onState: (state) => states.push(state),
    pause: () => Promise.resolve(),
    ...options,
  }).catch((error: unknown) => error);
  return { cursors, positions: events.map(({ position }) => position), states, failure };
}

describe('followJob', () => {
  it('reads to the last event of the job', async () => {
    const result = await follow([() => streamOf(['retry: 1000\n\n', frame(3, 'job_queued'), frame(4, 'job_succeeded')])]);
    expect(result).toEqual({ cursors: [0], positions: [3, 4], states: ['connecting', 'live', 'ended'], failure: undefined });
  });

  it('goes on behind the last event when a stream breaks, ends early or can not be opened, and tells none twice', async () => {
    const result = await follow([
      () => streamOf([frame(3, 'job_queued'), frame(5, 'step_started')], 'break'),
      () => {
        throw new ApiProblem({ status: 503, code: 'unavailable', detail: 'starting' });
      },
      () => streamOf([frame(5, 'step_started')]),
      () => streamOf([frame(7, 'job_failed')]),
    ]);
    expect(result.cursors).toEqual([0, 5, 5, 5]);
    expect(result.positions).toEqual([3, 5, 7]);
    expect(result.states.at(-1)).toBe('ended');
    expect(result.states.filter((state) => state === 'reconnecting')).toHaveLength(3);
    expect(result.failure).toBeUndefined();
  });

  it('takes a stream on which nothing comes for dead', async () => {
    const result = await follow(
      [(signal) => streamOf([frame(3, 'job_queued')], 'silence', signal), () => streamOf([frame(4, 'job_cancelled')])],
      { idleTimeoutMs: 50 },
    );
    expect([result.cursors, result.positions]).toEqual([
      [0, 3],
      [3, 4],
    ]);
  });

  it('does not ask again after the last event, however the stream ends', async () => {
    const result = await follow([() => streamOf([frame(3, 'job_queued'), frame(4, 'job_succeeded')], 'break')]);
    expect([result.cursors, result.positions, result.states.at(-1)]).toEqual([[0], [3, 4], 'ended']);
  });

  it('gives up when the gateway refuses', async () => {
    const refusal = new ApiProblem({ status: 404, code: 'job_not_found', detail: 'there is no such job' });
    const result = await follow([
      () => {
        throw refusal;
      },
    ]);
    expect([result.failure, result.cursors]).toEqual([refusal, [0]]);
  });

  it('ends without a word when the page is left', async () => {
    const result = await follow([() => streamOf([frame(3, 'job_queued')])]);
    expect([result.failure, result.positions, result.states.includes('ended')]).toEqual([undefined, [3], false]);
  });
});
