import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { followJob, type StreamState } from './job-stream.js';
import { ApiProblem } from './problem.js';
import type { JobEvent } from './types.js';

const frame = (position: number, type: string, incarnation = 'i1') =>
  `id: ${position}.${incarnation}\nevent: ${type}\ndata: ${JSON.stringify({ position, type, payload: {} })}\n\n`;

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

async function follow(scripts: readonly Script[], options: { idleTimeoutMs?: number; after?: JobEvent } = {}) {
  const left = [...scripts];
  const asked: string[] = [];
  const events: JobEvent[] = [];
  const states: StreamState[] = [];
  const pauses: number[] = [];
  const leaving = new AbortController();
  const failure = await followJob({
    client: {
      stream: (_id, { query }, { signal }) => {
        asked.push(String(query?.cursor));
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
    pause: (delayMs) => {
      pauses.push(delayMs);
      return Promise.resolve();
    },
    ...options,
  }).catch((error: unknown) => error);
  const cursors = asked.map((cursor) => Number.parseInt(cursor, 10));
  return { cursors, asked, positions: events.map(({ position }) => position), states, pauses, failure };
}

describe('followJob', () => {
  it('reads to the last event of the job', async () => {
    const result = await follow([() => streamOf(['retry: 1000\n\n', frame(3, 'job_queued'), frame(4, 'job_succeeded')])]);
    expect(result).toEqual({
      asked: ['0'],
      cursors: [0],
      positions: [3, 4],
      states: ['connecting', 'live', 'ended'],
      pauses: [],
      failure: undefined,
    });
  });

  it('says of which log its cursor is, and takes what came after a restore in positions that it has seen', async () => {
    const result = await follow([
      () => streamOf([frame(3, 'job_queued'), frame(5, 'step_started')], 'break'),
      () => streamOf([frame(4, 'step_started', 'i2'), frame(4, 'step_started', 'i2'), frame(5, 'job_failed', 'i2')]),
    ]);
    expect([result.asked, result.positions]).toEqual([
      ['0', '5.i1'],
      [3, 5, 4, 5],
    ]);
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
    expect(result.states).toEqual(['connecting', 'live', 'reconnecting', 'live', 'reconnecting', 'live', 'ended']);
    expect(result.pauses).toEqual([250, 1_000, 2_000]);
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

  it('goes on with a job that needed attention once it is tried again, whoever did that', async () => {
    const result = await follow([
      () => streamOf([frame(3, 'job_queued'), frame(4, 'job_needs_attention')]),
      () => streamOf([]),
      () => streamOf([], 'break'),
      () => streamOf([frame(9, 'job_retried'), frame(10, 'step_started')], 'break'),
      () => streamOf([frame(11, 'job_succeeded')]),
    ]);
    expect([result.cursors, result.positions]).toEqual([
      [0, 4, 4, 4, 10],
      [3, 4, 9, 10, 11],
    ]);
    expect(result.states).toEqual(['connecting', 'live', 'resting', 'live', 'reconnecting', 'live', 'ended']);
    // Seldom while nothing is expected, at once when a stream broke off.
    expect(result.pauses).toEqual([5_000, 5_000, 5_000, 250]);
  });

  it('takes up where it was left', async () => {
    const left: JobEvent = { position: 7, type: 'job_needs_attention', recorded_at: '', step: null, payload: {} };
    const result = await follow([() => streamOf([]), () => streamOf([frame(8, 'job_retried'), frame(9, 'job_failed')])], { after: left });
    expect([result.cursors, result.positions, result.states]).toEqual([
      [7, 7],
      [8, 9],
      ['resting', 'live', 'ended'],
    ]);
    expect((await follow([], { after: { ...left, type: 'job_succeeded' } })).cursors).toEqual([]);
  });

  it('tells nothing more once the page is left, also of what has come already', async () => {
    const leaving = new AbortController();
    const positions: number[] = [];
    const states: StreamState[] = [];
    await followJob({
      client: { stream: () => Promise.resolve(streamOf([frame(3, 'job_queued') + frame(4, 'job_started') + frame(5, 'job_succeeded')])) },
      jobId: 'job_1',
      signal: leaving.signal,
      onEvent: ({ position }) => {
        positions.push(position);
        if (position === 4) leaving.abort();
      },
      onState: (state) => states.push(state),
    });
    expect([positions, states]).toEqual([
      [3, 4],
      ['connecting', 'live'],
    ]);
  });

  it('tells each event once and in order, wherever streams are cut and however their bytes are split', async () => {
    const types = fc.array(fc.constantFrom('job_started', 'step_started', 'job_needs_attention', 'job_retried'), { maxLength: 12 });
    const connections = fc.array(fc.record({ bytes: fc.nat(600), then: fc.constantFrom('end' as const, 'break' as const) }), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(types, connections, fc.integer({ min: 1, max: 40 }), async (before, cuts, chunk) => {
        const log = [...before, 'job_cancelled'].map((type, index) => ({ position: 10 + 3 * index, type }));
        const open =
          (cursor: number, cut?: (typeof cuts)[number]): Script =>
          () => {
            const rest = log.filter(({ position }) => position > cursor).map(({ position, type }) => frame(position, type));
            const text = `: hello\n\n${rest.join('')}`.slice(0, cut?.bytes);
            return streamOf(text.match(new RegExp(`[^]{1,${chunk}}`, 'g')) ?? [], cut?.then);
          };
        const cutsLeft = [...cuts];
        const positions: number[] = [];
        const states: StreamState[] = [];
        const { signal } = new AbortController();
        await followJob({
          client: {
            stream: (_id, { query }) => Promise.resolve(open(Number.parseInt(String(query?.cursor), 10), cutsLeft.shift())(signal)),
          },
          jobId: 'job_1',
          signal,
          onEvent: ({ position }) => positions.push(position),
          onState: (state) => states.push(state),
          pause: () => Promise.resolve(),
        });
        expect(positions).toEqual(log.map(({ position }) => position));
        expect(states.at(-1)).toBe('ended');
      }),
    );
  });
});
