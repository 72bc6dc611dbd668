import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { prepareLoad } from './load.js';

let server: Server | undefined;
let asked = 0;
const authorizations = new Set<string>();

/** A server that answers the nth request so; its URL. */
async function serve(answer: (response: ServerResponse, n: number) => void): Promise<string> {
  asked = 0;
  const started = createServer((request, response) => {
    asked += 1;
    authorizations.add(`${request.url ?? ''} ${request.headers.authorization ?? ''}`);
    answer(response, asked);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((started.address() as AddressInfo).port)}`;
}

const right = JSON.stringify({ text: 'für alle', filler: 'x'.repeat(200_000) });
const options = { path: '/a?b=c', token: 'secret', connections: 3, expected: right, warmUpMs: 1, ms: 20 };
const ok = (response: ServerResponse, body: string) => response.setHeader('content-length', Buffer.byteLength(body)).end(body);

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

describe('load', () => {
  it('counts every request that it has measured, and takes answers in parts', async () => {
    const measure = await prepareLoad({ ...options, url: await serve((response) => ok(response, right)) });
    const before = asked;
    const { requests, elapsedMs, p50Ms, p99Ms } = await measure();
    expect(before).toBeGreaterThanOrEqual(3);
    expect(requests).toBe(asked - before);
    expect(requests).toBeGreaterThanOrEqual(3);
    expect(elapsedMs).toBeGreaterThanOrEqual(20);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect([...authorizations]).toEqual(['/a?b=c Bearer secret']);
  });

  it('fails by one answer that has another status, another body, no length, or does not come', async () => {
    const wrong: [(response: ServerResponse) => void, string][] = [
      [(response) => void ok(Object.assign(response, { statusCode: 429 }), right), '429'],
      [(response) => void ok(response, right.replace('für', 'vor')), '200'],
      [(response) => void (response.write(right), response.end()), '200'],
      [(response) => void response.destroy(), 'closed a connection'],
    ];
    for (const [answer, told] of wrong) {
      const url = await serve((response, n) => {
        if (n === 5) answer(response);
        else ok(response, right);
      });
      const load = async () => (await prepareLoad({ ...options, url, ms: 60_000 }))();
      await expect(load()).rejects.toThrow(told);
      server?.close();
    }
  });
});
