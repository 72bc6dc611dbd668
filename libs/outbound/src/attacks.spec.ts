// Collaborators: two real HTTP servers on loopback addresses, one that may be called and one that may not, and a resolver that an
// attacker answers for.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createOutbound, OutboundError, type Outbound, type Resolve } from './index.js';

const [permitted, secret] = ['127.0.0.2', '127.0.0.1'];
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server at an address, on a given port or a free one; tells how many connections it has had. */
async function serve(address: string, handle: RequestListener, port = 0) {
  const server = createServer(handle);
  const seen = { connections: 0, port: 0 };
  server.on('connection', () => {
    seen.connections += 1;
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  seen.port = (server.address() as AddressInfo).port;
  return seen;
}

/** The two servers, on one port, so that a name leads to either. */
async function both(handle: RequestListener) {
  const reached: RequestListener = (_, response) => response.end('secret');
  for (let tries = 0; ; tries++) {
    const outside = await serve(permitted, handle);
    try {
      return { outside, inside: await serve(secret, reached, outside.port), port: outside.port };
    } catch (error) {
      if (tries === 10) throw error;
    }
  }
}

/** Resolves a name to the next of these answers each time, and to the last one from then on. */
function answering(...answers: string[][]): { resolve: Resolve; asked: () => number } {
  let asked = 0;
  return {
    resolve: (_hostname, _options, callback) => {
      const found = answers[Math.min(asked++, answers.length - 1)] ?? [];
      setImmediate(() => {
        callback(
          null,
          found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      });
    },
    asked: () => asked,
  };
}

function outbound(resolve: Resolve): Outbound {
  const made = createOutbound({ allowedCidrs: `${permitted}/32`, connectionsPerOrigin: 1, resolve });
  cleanups.push(() => made.close());
  return made;
}

const get = (port: number, timeoutMs = 2_000) =>
  ({ method: 'GET', url: `http://hooks.example.com:${String(port)}/`, timeoutMs, maxResponseBytes: 1_000 }) as const;

const outcome = (call: Promise<{ body: Buffer }>) =>
  call.then(
    ({ body }) => body.toString(),
    (error: unknown) => (error instanceof OutboundError ? error.problem : error),
  );

const closing: RequestListener = (_, response) => {
  response.writeHead(200, { connection: 'close' }).end('outside');
};

describe('a name that an attacker answers for', () => {
  it('gains nothing by standing for another address a moment later', async () => {
    const { inside, port } = await both(closing);
    const names = answering([permitted], [secret]);
    const client = outbound(names.resolve);
    expect(await outcome(client.request(get(port)))).toBe('outside');
    expect(await outcome(client.request(get(port)))).toBe('forbidden_address');
    expect([inside.connections, names.asked()]).toEqual([0, 2]);
  });

  it('is looked up once for a connection: what was checked is what is connected to', async () => {
    const { inside, outside, port } = await both((_, response) => response.end('outside'));
    const names = answering([permitted], [secret]);
    const client = outbound(names.resolve);
    for (let calls = 0; calls < 3; calls++) expect(await outcome(client.request(get(port)))).toBe('outside');
    expect([inside.connections, outside.connections, names.asked()]).toEqual([0, 1, 1]);
  });

  it.each([
    ['first', [secret, permitted]],
    ['last', [permitted, secret]],
    ['in another form', ['::ffff:127.0.0.1', permitted]],
  ])('gains nothing by naming an internal address as well, %s', async (_, answer) => {
    const { inside, port } = await both(closing);
    const client = outbound(answering(answer).resolve);
    for (let calls = 0; calls < 3; calls++) expect(await outcome(client.request(get(port)))).toBe('outside');
    expect(inside.connections).toBe(0);
  });

  it('gets no other address tried when the permitted one takes no connection', async () => {
    const inside = await serve(secret, (_, response) => response.end('secret'));
    expect(await outcome(outbound(answering([permitted, secret]).resolve).request(get(inside.port)))).toBe('unreachable');
    expect(inside.connections).toBe(0);
  });

  it.each([301, 302, 303, 307, 308])('gains nothing by a redirect (%d) to an internal address', async (status) => {
    const { inside, port } = await both((request, response) => {
      response.writeHead(status, { location: `http://${secret}:${String(request.socket.localPort)}/` }).end();
    });
    expect(await outcome(outbound(answering([permitted]).resolve).request(get(port)))).toBe('redirected');
    expect(inside.connections).toBe(0);
  });

  it('is given up when it is not answered for, or has no address', async () => {
    expect(await outcome(outbound(() => undefined).request(get(1, 100)))).toBe('timeout');
    expect(await outcome(outbound(answering([]).resolve).request(get(1)))).toBe('forbidden_address');
  });

  it('can not keep a call waiting by answering a little at a time', async () => {
    const { port } = await both((_, response) => {
      const timer = setInterval(() => response.write('.'), 10);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    expect(await outcome(outbound(answering([permitted]).resolve).request(get(port, 200)))).toBe('timeout');
  });
});
