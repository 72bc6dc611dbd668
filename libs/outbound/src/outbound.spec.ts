import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createOutbound, defaultAllowedCidrs, OutboundError, type Outbound, type OutboundProblem, type OutboundRequest } from './index.js';

// Collaborators: a real HTTP server on a loopback port of its own.
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface TestServer {
  server: Server;
  port: number;
  connections: () => number;
}

async function serve(handle: (request: IncomingMessage, response: ServerResponse, socket: Socket) => void): Promise<TestServer> {
  const server = createServer((request, response) => {
    handle(request, response, request.socket);
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port, connections: () => connections };
}

function outbound(allowedCidrs = defaultAllowedCidrs): Outbound {
  const made = createOutbound({ allowedCidrs });
  cleanups.push(() => made.close());
  return made;
}

const get = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
  method: 'GET',
  url,
  timeoutMs: 2_000,
  maxResponseBytes: 1_000,
  ...more,
});

async function problemOf(call: Promise<unknown>): Promise<OutboundProblem | undefined> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof OutboundError ? error.problem : undefined;
}

describe('createOutbound', () => {
  it('answers whatever status comes and keeps the connection', async () => {
    const { port, connections } = await serve((request, response) => {
      response.statusCode = request.url === '/a?b=c' ? 200 : 503;
      response.end(`${request.method ?? ''} ${request.headers['x-request-id']?.toString() ?? ''}`);
    });
    const client = outbound();
    const ok = await client.request(get(`http://127.0.0.1:${String(port)}/a?b=c`, { headers: { 'x-request-id': 'req-1' } }));
    expect([ok.status, ok.body.toString()]).toEqual([200, 'GET req-1']);
    expect((await client.request(get(`http://localhost:${String(port)}/other`))).status).toBe(503);
    expect((await client.request(get(`http://127.0.0.1:${String(port)}/other`, { method: 'POST', body: '{}' }))).body.toString()).toBe(
      'POST ',
    );
    // One connection per origin: 127.0.0.1 and localhost.
    expect(connections()).toBe(2);
  });

  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])(
    'connects to no address outside of the allowed blocks: %s',
    async (host) => {
      const { port, connections } = await serve((_, response) => response.end('reached'));
      expect(await problemOf(outbound('10.0.0.0/8').request(get(`http://${host}:${String(port)}/`)))).toBe('forbidden_address');
      expect(connections()).toBe(0);
    },
  );

  it('follows no redirect', async () => {
    let asked = 0;
    const { port } = await serve((_, response) => {
      asked += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await problemOf(outbound().request(get(`http://127.0.0.1:${String(port)}/`)))).toBe('redirected');
    expect(asked).toBe(1);
  });

  it('reads no more than it may, declared or not', async () => {
    const { port } = await serve((request, response) => {
      const body = 'x'.repeat(1_001);
      if (request.url === '/declared') response.end(body);
      else {
        response.write(body.slice(0, 600));
        response.end(body.slice(600));
      }
    });
    const client = outbound();
    const url = `http://127.0.0.1:${String(port)}`;
    expect(await problemOf(client.request(get(`${url}/declared`)))).toBe('response_too_large');
    expect(await problemOf(client.request(get(`${url}/chunked`)))).toBe('response_too_large');
    expect((await client.request(get(`${url}/declared`, { maxResponseBytes: 1_001 }))).body).toHaveLength(1_001);
  });

  it('gives up in time, before and within an answer', async () => {
    const { port } = await serve((request, response) => {
      if (request.url === '/within') response.write('a');
    });
    const client = outbound();
    const url = `http://127.0.0.1:${String(port)}`;
    const startedAt = performance.now();
    const problems = await Promise.all(
      ['/before', '/within'].map((path) => problemOf(client.request(get(url + path, { timeoutMs: 100 })))),
    );
    expect(problems).toEqual(['timeout', 'timeout']);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it('sends a request once more when its connection is lost, and only once', async () => {
    let asked = 0;
    const { port } = await serve((request, response, socket) => {
      asked += 1;
      if (request.url === '/always' || asked === 2) socket.destroy();
      else response.end('ok');
    });
    const client = outbound();
    const url = `http://127.0.0.1:${String(port)}`;
    await client.request(get(`${url}/first`));
    expect((await client.request(get(`${url}/second`))).body.toString()).toBe('ok');
    expect(asked).toBe(3);
    expect(await problemOf(client.request(get(`${url}/always`)))).toBe('connection_lost');
    expect(asked).toBe(5);
  });

  it('tells an unreachable service and a URL it does not call', async () => {
    const { server, port } = await serve((_, response) => response.end());
    await new Promise((resolve) => server.close(resolve));
    const client = outbound();
    expect(await problemOf(client.request(get(`http://127.0.0.1:${String(port)}/`)))).toBe('unreachable');
    for (const url of ['ftp://127.0.0.1/', 'file:///etc/passwd', 'http://user:pw@127.0.0.1/', 'nothing']) {
      expect(await problemOf(client.request(get(url)))).toBe('invalid_url');
    }
  });
});
