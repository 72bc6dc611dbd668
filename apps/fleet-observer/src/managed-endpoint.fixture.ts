import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An endpoint of a managed service over real HTTP: health, readiness, metrics and, for gateways, the applied placement. */
export interface ManagedEndpoint {
  readonly url: string;
  /** What it tells; tests change it. */
  health: number;
  ready: number;
  version: string;
  inflight: number;
  /** When its process began, in seconds since 1970. */
  startedAt: number;
  state: object | undefined;
  /** Answers nothing while true. */
  hangs: boolean;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startManagedEndpoint(): Promise<ManagedEndpoint> {
  const server = createServer((request, response) => {
    endpoint.asked.push(request.url ?? '');
    if (!endpoint.hangs) answer(request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: ManagedEndpoint = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    health: 200,
    ready: 200,
    version: '1.0.0',
    inflight: 3,
    startedAt: 1_795_255_200,
    state: { epoch: 2, revision: 11 },
    hangs: false,
    asked: [],
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  function answer(path: string, response: ServerResponse): void {
    const { health, ready, version, inflight, startedAt, state } = endpoint;
    if (path === '/health') response.writeHead(health).end('{}');
    else if (path === '/ready') response.writeHead(ready).end('{}');
    else if (path === '/metrics') {
      const figures = `svc_inflight ${String(inflight)}\nsvc_lag 4\nprocess_start_time_seconds ${String(startedAt)}\n`;
      response.end(`svc_build_info{service="svc",version="${version}",git_sha="abc"} 1\n${figures}`);
    } else if (path === '/admin/state' && state !== undefined) response.end(JSON.stringify(state));
    else if (path.startsWith('/admin/resolve?') && path.endsWith('path=%2Fapi')) response.end('{"route":"api","revision":4}');
    else response.writeHead(404).end();
  }

  return endpoint;
}
