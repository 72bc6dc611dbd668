import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { HttpServer, parseInput } from './server.js';

const unexpected: unknown[] = [];
let server: HttpServer;
let url: string;

beforeAll(async () => {
  server = new HttpServer(
    [
      { method: 'GET', path: '/text', handle: () => ({ status: 200, body: 'plain', contentType: 'text/plain' }) },
      {
        method: 'POST',
        path: '/things/:id',
        handle: ({ params, body }) => ({ status: 200, body: { ...params, body: parseInput(z.object({ n: z.int() }), body) } }),
      },
      {
        method: 'GET',
        path: '/broken',
        handle: () => {
          throw new Error('a secret detail');
        },
      },
    ],
    (error) => unexpected.push(error),
  );
  url = `http://127.0.0.1:${String(await server.listen(0, '127.0.0.1'))}`;
});
afterAll(() => server.destroy());

const post = (body: string, type = 'application/json') =>
  fetch(`${url}/things/7`, { method: 'POST', headers: { 'content-type': type }, body });
async function problem(response: Response): Promise<Record<string, unknown>> {
  const body = (await response.json()) as object;
  return { contentType: response.headers.get('content-type'), ...body };
}

describe('http server', () => {
  it('answers JSON and text', async () => {
    expect(await (await post('{"n":1}')).json()).toEqual({ id: '7', body: { n: 1 } });
    expect(await (await fetch(`${url}/text`)).text()).toBe('plain');
  });

  it('answers what it does not accept with a problem document', async () => {
    const contentType = 'application/problem+json';
    expect(await problem(await post('{"n":"1"}'))).toMatchObject({
      status: 400,
      contentType,
      code: 'invalid_argument',
      detail: 'n: Invalid input: expected number, received string',
    });
    expect(await problem(await post('{"n":'))).toMatchObject({ status: 400, contentType, code: 'invalid_argument' });
    expect(await problem(await post('{"n":1}', 'text/plain'))).toMatchObject({ status: 415, contentType });
    expect(await problem(await post(`"${'x'.repeat(5_000_000)}"`))).toMatchObject({ status: 413, contentType, code: 'too_large' });
    expect(await problem(await fetch(`${url}/nowhere`))).toMatchObject({ status: 404, contentType, code: 'not_found' });
    expect(await problem(await fetch(`${url}/text`, { method: 'POST' }))).toMatchObject({
      status: 405,
      contentType,
      code: 'method_not_allowed',
    });
  });

  it('tells its owner of an unexpected error, and the caller nothing', async () => {
    const answer = await problem(await fetch(`${url}/broken`));
    expect(answer).toEqual({
      status: 500,
      contentType: 'application/problem+json',
      type: 'about:blank',
      title: 'Internal Server Error',
      detail: 'an unexpected error',
      code: 'internal',
    });
    expect(unexpected).toEqual([expect.objectContaining({ message: 'a secret detail' })]);
  });
});
