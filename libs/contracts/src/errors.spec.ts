import { expect, it } from '@jest/globals';
import { describeError } from './errors.js';

const refused = (port: number) => Object.assign(new Error(`connect ECONNREFUSED ${String(port)}`), { code: 'ECONNREFUSED' });

it.each([
  ['a text', 'a text'],
  [new Error('outer', { cause: new Error('inner') }), 'outer: inner'],
  [new Error('', { cause: new Error('inner') }), 'inner'],
  [new Error('outer', { cause: new Error('') }), 'outer: Error'],
  [new Error(''), 'Error'],
  [new AggregateError([refused(1), refused(1), refused(2)]), 'connect ECONNREFUSED 1, connect ECONNREFUSED 2'],
  [new Error('no database', { cause: new AggregateError([refused(1)]) }), 'no database: connect ECONNREFUSED 1'],
  [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
])('%p is told as %j', (error, told) => {
  expect(describeError(error)).toBe(told);
});
