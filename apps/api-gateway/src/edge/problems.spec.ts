import { NotFoundException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { errorCodes, errorKinds, FairleadError, type ErrorCode } from '@fairlead/contracts';
import { invalidFields } from '../domain/invalid.js';
import { problemOf } from './problems.js';

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('problemOf', () => {
  it.each(codes.filter((code) => code !== 'internal'))('tells %s with its status, code, title and details', (code) => {
    const problem = problemOf(new FairleadError(code, 'what happened', { details: { resource: 'acme' } }), 'req-1');
    expect(problem).toEqual({
      type: `urn:fairlead:problem:${code}`,
      title: expect.stringMatching(/^[A-Z]/),
      status: errorKinds[errorCodes[code]].http,
      detail: 'what happened',
      code,
      request_id: 'req-1',
      details: { resource: 'acme' },
    });
  });

  it.each([
    new FairleadError('internal', 'select secret from users', { details: { statement: 'select secret' } }),
    new Error('select secret from users'),
    Object.assign(new Error('secret'), { statusCode: 404, code: 'SOMETHING' }),
    'secret',
    undefined,
  ])('tells nothing of the inside: %p', (error) => {
    const problem = problemOf(error, 'req-1');
    expect(problem).toMatchObject({ status: 500, code: 'internal', request_id: 'req-1' });
    expect(JSON.stringify(problem)).not.toMatch(/secret|select/);
  });

  it('tells a lost database as unavailable', () => {
    const error = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' });
    const problem = problemOf(error, 'req-1');
    expect(problem).toMatchObject({ status: 503, code: 'unavailable' });
    expect(JSON.stringify(problem)).not.toContain('10.0.0.5');
  });

  it('names the fields at fault', () => {
    const problem = problemOf(invalidFields([{ pointer: '/to/runner', detail: 'is not a name' }]), 'req-1');
    expect(problem).toMatchObject({
      status: 400,
      detail: 'to.runner: is not a name',
      errors: [{ pointer: '/to/runner', detail: 'is not a name' }],
    });
    expect(problem.details).toBeUndefined();
  });

  it("does not repeat the framework's message", () => {
    expect(problemOf(new NotFoundException('Cannot GET /x?password=secret'), 'req-1')).toMatchObject({
      status: 404,
      code: 'not_found',
      detail: 'There is no such route',
    });
  });
});
