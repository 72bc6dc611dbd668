import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { checkConformance } from './check.js';

it("commands nothing at a shard that does not tell whether a tenant is a customer's", async () => {
  const asked: string[] = [];
  const server = createServer(({ method, url }, response) => {
    asked.push(`${String(method)} ${String(url)}`);
    response.writeHead(url === '/health' ? 200 : 503, { 'content-type': 'application/json' }).end('{"status": "ok"}');
  }).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const options = {
      kind: 'runner' as const,
      url: `http://127.0.0.1:${String(port)}`,
      fleetToken: 'secret',
      timeoutMs: 5_000,
      settleMs: 100,
    };
    await expect(checkConformance({ ...options, tenantId: 'acme' })).rejects.toThrow(/does not tell what the tenant acme is/);
    expect(asked).toEqual(['GET /health', 'GET /admin/tenants/acme']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
