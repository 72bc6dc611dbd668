import { describe, expect, it } from '@jest/globals';
import { refusalText } from './iam-problem.js';

describe('what an IAM says of a refusal', () => {
  it.each([
    ['application/problem+json', '{"title":"Conflict","detail":"The address is taken"}', 'The address is taken'],
    ['application/json; charset=utf-8', '{"message":"too many"}', 'too many'],
    ['application/json', '{"error":"invalid_grant","error_description":"no such user"}', 'no such user'],
    ['text/plain', 'no\r\nsuch\u0000 user', 'no such user'],
    ['text/html', '<h1>Bad gateway</h1>', 'The external IAM answered 409'],
    ['application/json', '{"detail":', 'The external IAM answered 409'],
    ['application/json', '["detail"]', 'The external IAM answered 409'],
    ['application/json', '{"detail":{"a":1},"title":"  "}', 'The external IAM answered 409'],
    [undefined, 'anything', 'The external IAM answered 409'],
  ])('is read from %s %j', (type, body, text) => {
    expect(refusalText(409, type, body, [])).toBe(text);
  });

  it('is bounded and holds none of what it was sent in confidence', () => {
    expect(refusalText(400, 'text/plain', 'x'.repeat(5_000), [])).toHaveLength(500);
    expect(refusalText(400, 'text/plain', 'the password hunter2hunter2 is weak', ['', 'hunter2hunter2'])).toBe('the password … is weak');
    expect(refusalText(400, 'text/plain', `${'x'.repeat(495)}hunter2hunter2`, ['hunter2hunter2'])).not.toContain('hunter');
  });
});
