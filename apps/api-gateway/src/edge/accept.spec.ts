import { expect, it } from '@jest/globals';
import { accepts } from './accept.js';

it.each([
  ['text/event-stream', true],
  ['Text/Event-Stream', true],
  ['application/json, text/event-stream;q=0.5', true],
  ['text/event-stream; charset=utf-8; Q=0.001', true],
  ['text/event-stream;q=0', false],
  ['text/event-stream ; Q = 0.000, application/json', false],
  ['text/event-stream-not', false],
  ['*/*', false],
  ['', false],
  [undefined, false],
])('%s asks for an event stream: %s', (header, expected) => {
  expect(accepts(header, 'text/event-stream')).toBe(expected);
});
