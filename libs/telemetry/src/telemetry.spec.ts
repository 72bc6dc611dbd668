import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import {
  contextFromHeaders,
  createLogger,
  createMetrics,
  currentContext,
  headersOfContext,
  newContext,
  runInContext,
  traceIdOf,
  withoutRedaction,
} from './index.js';

function capture() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, destination };
}

describe('context', () => {
  it('takes valid ids from headers and replaces malformed ones', () => {
    const headers: Record<string, string> = {
      'x-request-id': 'req-1',
      'x-correlation-id': 'has space',
      traceparent: 'nonsense',
      'x-tenant-id': 'acme',
    };
    const context = contextFromHeaders((name) => headers[name]);
    expect(context).toMatchObject({ requestId: 'req-1', tenantId: 'acme' });
    expect(context.correlationId).toMatch(/^cor_[0-9a-f]{32}$/);
    expect(traceIdOf(context)).toMatch(/^[0-9a-f]{32}$/);
    expect(context.startsTrace).toBe(true);
    // Whoever takes it over goes on with the trace.
    expect(contextFromHeaders((name) => headersOfContext(context)[name])).toEqual({ ...context, startsTrace: undefined });
  });

  it('follows asynchronous work and ends with it', async () => {
    const context = newContext();
    await runInContext(context, async () => {
      await Promise.resolve();
      expect(currentContext()).toBe(context);
    });
    expect(currentContext()).toBeUndefined();
  });
});

describe('logger', () => {
  it('adds the ids to every line and hides secrets', () => {
    const { lines, destination } = capture();
    const log = createLogger({ service: 'audit', destination });
    runInContext(newContext({ correlationId: 'cor-7', jobId: 'job_1', bearer: 'tok-secret' }), () => {
      log.info(
        {
          authorization: 'Bearer tok-secret',
          request: { headers: { authorization: 'Bearer tok-secret' } },
          login: { password: 'pw-secret' },
        },
        'hello',
      );
    });
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(line).toMatchObject({ service: 'audit', correlation_id: 'cor-7', job_id: 'job_1', msg: 'hello', level: 'info' });
    expect(lines.join('')).not.toMatch(/tok-secret|pw-secret/);
  });

  it('writes lines of fixed fields as they are, with the ids, for who asks for that', () => {
    const { lines, destination } = capture();
    const log = withoutRedaction(createLogger({ service: 'audit', destination }));
    runInContext(newContext({ correlationId: 'cor-7' }), () => {
      log.info({ token: 'none' }, 'request');
    });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      service: 'audit',
      correlation_id: 'cor-7',
      token: 'none',
      msg: 'request',
      level: 'info',
    });
  });
});

describe('errors in the log', () => {
  it('show message, code and causes, and no other property', () => {
    const { lines, destination } = capture();
    const cause = Object.assign(new Error('refused'), { parameters: ['secret-parameter'] });
    const err = Object.assign(new Error('failed', { cause }), { code: '42501', query: 'select $1', parameters: ['secret-parameter'] });
    createLogger({ service: 'audit', destination }).error({ err }, 'oops');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { message: 'failed', code: '42501', cause: { message: 'refused' } } });
    expect(lines.join('')).not.toContain('secret-parameter');
  });
});

describe('metrics', () => {
  it('tells the build', async () => {
    const text = await createMetrics({ service: 'audit', version: '1.2.3', gitSha: 'abc' }).metrics();
    expect(text).toContain('fairlead_build_info{service="audit",version="1.2.3",git_sha="abc"} 1');
  });
});
