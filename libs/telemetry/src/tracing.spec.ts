/** Spans as a real receiver gets them over HTTP, and work while there is none. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FairleadError } from '@fairlead/contracts';
import { eventuallyHolds, otlpReceiver, type OtlpReceiver } from '@fairlead/testing';
import {
  createLogger,
  createMetrics,
  createTracing,
  currentContext,
  newContext,
  noTracing,
  runInContext,
  spanIdOf,
  traceIdOf,
  type Tracing,
} from './index.js';

const traceId = 'ab'.repeat(16);
const callersSpan = 'cd'.repeat(8);
const sampled = () => newContext({ traceparent: `00-${traceId}-${callersSpan}-01`, requestId: 'req_1', tenantId: 'acme' });
const unsampled = () => newContext({ traceparent: `00-${traceId}-${callersSpan}-00` });

let receiver: OtlpReceiver;
let lines: string[];
const made: Tracing[] = [];

beforeEach(async () => {
  receiver = await otlpReceiver();
  lines = [];
});

afterEach(async () => {
  await Promise.all(made.splice(0).map((tracing) => tracing.close()));
  await receiver.close();
});

function tracingTo(endpoint: string | undefined, more: Partial<Parameters<typeof createTracing>[0]> = {}): Tracing {
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const logger = createLogger({ service: 'placement', destination });
  const tracing = createTracing({ service: 'placement', version: '1.2.3', logger, endpoint, delayMs: 10, ...more });
  made.push(tracing);
  return tracing;
}

const toReceiver = (more: Partial<Parameters<typeof createTracing>[0]> = {}) => tracingTo(`${receiver.url}/v1/traces`, more);

describe('a span', () => {
  it('is the child of the span before it, of the same trace, and what runs inside goes on from it', async () => {
    const tracing = toReceiver({ headers: { authorization: 'Bearer for-the-receiver' } });
    const inner = await runInContext(sampled(), () =>
      tracing.span('outer', { kind: 'server', attributes: { 'http.route': '/x', left_out: undefined } }, () =>
        tracing.span('inner', { kind: 'client', attributes: { tries: 2 } }, (span) => {
          expect(span.context).toBe(currentContext());
          return currentContext();
        }),
      ),
    );
    await tracing.close();
    const [second, first] = receiver.spans;
    expect(first).toMatchObject({
      service: 'placement',
      name: 'outer',
      kind: 'server',
      traceId,
      parentSpanId: callersSpan,
      status: 'unset',
    });
    expect(first?.attributes).toEqual({
      'http.route': '/x',
      'fairlead.request.id': 'req_1',
      'fairlead.correlation.id': inner?.correlationId,
      'fairlead.tenant.id': 'acme',
    });
    expect(second).toMatchObject({ name: 'inner', kind: 'client', traceId, parentSpanId: first?.spanId, attributes: { tries: 2 } });
    expect(inner?.traceparent).toBe(`00-${traceId}-${second?.spanId ?? ''}-01`);
    expect(second?.end).toBeGreaterThanOrEqual(second?.start ?? 0n);
    expect(receiver.posts[0]).toMatchObject({ authorization: 'Bearer for-the-receiver' });
    expect(receiver.problems).toEqual([]);
  });

  it('that begins a trace is its root, under the trace id that the request carries', async () => {
    const tracing = toReceiver();
    const context = newContext();
    await runInContext(context, () => tracing.span('root', {}, () => tracing.span('child', {}, () => undefined)));
    await tracing.close();
    const [child, root] = receiver.spans;
    expect(root).toMatchObject({ name: 'root', traceId: traceIdOf(context) });
    expect(root?.parentSpanId).toBeUndefined();
    expect(child).toMatchObject({ traceId: traceIdOf(context), parentSpanId: root?.spanId });
  });

  it('tells what went wrong, and no message that may quote what it was given', async () => {
    const tracing = toReceiver();
    const fail = (error: Error) => runInContext(sampled(), () => tracing.span('work', {}, () => Promise.reject(error)));
    await expect(fail(new FairleadError('plan_stale', 'moved on'))).rejects.toThrow('moved on');
    await expect(fail(Object.assign(new Error('near "hunter2"'), { code: '42601', parameters: ['hunter2'] }))).rejects.toThrow('hunter2');
    const begun = tracing.start('begun', { context: sampled() });
    begun.fail('503');
    begun.end();
    await tracing.close();
    expect(receiver.spans.map(({ status, attributes, events }) => ({ status, type: attributes['error.type'], events }))).toEqual([
      {
        status: 'error',
        type: 'plan_stale',
        events: [{ name: 'exception', attributes: { 'exception.type': 'plan_stale', 'exception.message': 'moved on' } }],
      },
      { status: 'error', type: '42601', events: [{ name: 'exception', attributes: { 'exception.type': '42601' } }] },
      { status: 'error', type: '503', events: [] },
    ]);
  });

  it('is not an error when the work says that the failure is not its own', async () => {
    const tracing = toReceiver();
    const refused = tracing.span('work', { context: sampled(), isFailure: () => false }, () => Promise.reject(new Error('not yours')));
    await expect(refused).rejects.toThrow('not yours');
    await tracing.close();
    expect(receiver.spans).toMatchObject([{ status: 'unset', events: [] }]);
  });

  it('goes into the log beside the trace', async () => {
    const tracing = toReceiver();
    const seen: Record<string, unknown>[] = [];
    const logger = createLogger({
      service: 'x',
      destination: { write: (line) => void seen.push(JSON.parse(line) as Record<string, unknown>) },
    });
    runInContext(newContext(), () => {
      logger.info('before any span');
    });
    const context = await tracing.span('work', { context: sampled() }, (span) => {
      logger.info('inside');
      return span.context;
    });
    expect(seen[0]).not.toHaveProperty('span_id');
    expect(seen[1]).toMatchObject({ trace_id: traceId, span_id: context === undefined ? '' : spanIdOf(context) });
  });
});

describe('sampling', () => {
  it('respects what the caller decided, whatever the ratio', async () => {
    const [none, all] = [toReceiver({ ratio: 0 }), toReceiver({ ratio: 1 })];
    const given = unsampled();
    await runInContext(given, () =>
      all.span('left out', {}, () => {
        expect(currentContext()?.traceparent).toBe(given.traceparent);
      }),
    );
    await none.span('kept', { context: sampled() }, () => undefined);
    await Promise.all([none.close(), all.close()]);
    expect(receiver.spans.map(({ name }) => name)).toEqual(['kept']);
  });

  it('decides once for a trace that begins here, and carries the decision on', async () => {
    const tracing = toReceiver({ ratio: 0.5 });
    const kept = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const context = newContext();
      await tracing.span('root', { context }, (span) => {
        const isKept = span.context?.traceparent.endsWith('-01') === true;
        expect(span.context?.startsTrace).toBeUndefined();
        if (isKept) kept.add(traceIdOf(context));
        return tracing.span('child', {}, () => undefined);
      });
    }
    await tracing.close();
    expect(kept.size).toBeGreaterThan(50);
    expect(kept.size).toBeLessThan(150);
    expect(receiver.spans).toHaveLength(2 * kept.size);
    expect(new Set(receiver.spans.map((span) => span.traceId))).toEqual(kept);
  });

  it('leaves no span for what belongs to no request', async () => {
    const tracing = toReceiver();
    expect(await tracing.span('background', {}, (span) => span.context)).toBeUndefined();
    await tracing.close();
    expect(receiver.posts).toEqual([]);
  });
});

describe('without a receiver', () => {
  it('nothing is sent when none is set, even if the environment names one', async () => {
    const before = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url;
    try {
      const tracing = tracingTo(undefined);
      expect(tracing).toBe(noTracing);
      const given = sampled();
      expect(await tracing.span('work', { context: given }, () => currentContext())).toBe(given);
      await tracing.close();
      expect(receiver.posts).toEqual([]);
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
      else process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = before;
    }
  });

  it('work goes on while it is down; what is lost is counted, and told once', async () => {
    const away = createServer().listen(0, '127.0.0.1');
    await once(away, 'listening');
    const { port } = away.address() as { port: number };
    await new Promise((resolve) => away.close(resolve));
    const registry = createMetrics({ service: 'x', version: '0', gitSha: 'x', processMetrics: false });
    const tracing = tracingTo(`http://127.0.0.1:${String(port)}/v1/traces`, { registry });
    const lost = async () => Number(/fairlead_trace_spans_total\{outcome="lost"\} (\d+)/.exec(await registry.metrics())?.[1] ?? 0);
    for (const round of [1, 2]) {
      expect(await tracing.span('work', { context: sampled() }, () => 'done')).toBe('done');
      await eventuallyHolds(
        async () => {
          expect(await lost()).toBe(round);
        },
        { timeoutMs: 20_000, what: 'the span to be given up' },
      );
    }
    expect(lines.filter((line) => line.includes('spans could not be sent'))).toHaveLength(1);
  }, 45_000);

  it('work goes on while it does not answer, what waits is bounded, and a stop waits little', async () => {
    receiver.answerWith('hold');
    const tracing = toReceiver();
    for (let i = 0; i < 20_000; i++) await tracing.span('work', { context: sampled() }, () => i);
    await eventuallyHolds(
      () => {
        expect(receiver.posts.length).toBeGreaterThan(0);
      },
      { what: 'the first post' },
    );
    const startedAt = performance.now();
    await tracing.close();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(receiver.posts.length).toBeLessThan(20_000 / 512);
  }, 30_000);

  it('a refused post is lost without a word of its content', async () => {
    receiver.answerWith(400);
    const tracing = toReceiver({ headers: { authorization: 'Bearer hunter2' } });
    await tracing.span('work', { context: sampled() }, () => undefined);
    await eventuallyHolds(
      () => {
        expect(lines.join('')).toContain('spans could not be sent');
      },
      { what: 'the loss to be told' },
    );
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', spans: 1, status: 400 });
    expect(lines.join('')).not.toContain('hunter2');
  });
});
