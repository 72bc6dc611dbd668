import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const fleetToken = 'fleet-token-of-the-test';

interface Tenant {
  state: string;
  fence: number;
  lastSeq: number;
  data: string;
}

export interface AskedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** A managed service over real HTTP that obeys the fleet contract as far as these tests need it, in memory. */
export interface ManagedService {
  readonly url: string;
  readonly tenants: Map<string, Tenant>;
  /** Every request, in the order they came. */
  readonly asked: AskedRequest[];
  /** `<action> <tenant>` for each command that changed something. */
  readonly effects: string[];
  /** Called with each request before it is handled; true when it has answered, or never will. */
  intercept: ((request: AskedRequest, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
  stop(): Promise<void>;
}

const transitions: Record<string, { from: string[]; to: string }> = {
  drain: { from: ['active'], to: 'drained' },
  export: { from: ['drained'], to: 'sealed' },
  resume: { from: ['draining', 'drained', 'sealed', 'imported'], to: 'active' },
  import: { from: ['absent', 'moved'], to: 'imported' },
  drop: { from: ['drained', 'sealed', 'imported'], to: 'moved' },
};

export async function startManagedService(): Promise<ManagedService> {
  const done = new Set<string>();
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service: ManagedService = {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    tenants: new Map(),
    asked: [],
    effects: [],
    intercept: undefined,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = { path: request.url ?? '', headers: request.headers, body: await bodyOf(request) };
    service.asked.push(asked);
    if ((await service.intercept?.(asked, response)) === true) return;
    const [status, body] = answer(request.method ?? '', asked);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  function answer(method: string, { path, headers, body }: AskedRequest): [number, object] {
    if (method === 'POST' && headers.authorization !== `Bearer ${fleetToken}`) return [401, { code: 'unauthenticated' }];
    if (path === '/admin/reload') return reload(body);
    const [, tenantId = '', action = ''] = /^\/admin\/tenants\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
    const tenant = service.tenants.get(tenantId) ?? { state: 'absent', fence: 0, lastSeq: 0, data: '' };
    if (method === 'GET') return tenant.state === 'absent' ? [404, { code: 'tenant_unknown' }] : [200, told(tenant)];
    return command(tenantId, tenant, action, body);
  }

  function command(tenantId: string, tenant: Tenant, action: string, body: Record<string, unknown>): [number, object] {
    const fence = Number(body['fence']);
    if (fence < tenant.fence) return [409, { code: 'stale_fence', highest_fence: tenant.fence }];
    const transition = transitions[action];
    const key = `${action} ${tenantId} ${String(body['idempotency_key'])}`;
    if (transition === undefined) return [404, { code: 'not_found' }];
    tenant.fence = fence;
    if (!done.has(key) && tenant.state !== transition.to) {
      if (!transition.from.includes(tenant.state)) return [409, { code: 'tenant_state', detail: `it is ${tenant.state}` }];
      tenant.state = transition.to;
      if (action === 'import') Object.assign(tenant, { data: body['data'], lastSeq: seqOf(String(body['data'])) });
      service.effects.push(`${action} ${tenantId}`);
      service.tenants.set(tenantId, tenant);
    }
    done.add(key);
    return [200, { ...told(tenant), ...(action === 'export' ? { data: tenant.data, sha256: sha256(tenant.data) } : {}) }];
  }

  function reload(body: Record<string, unknown>): [number, object] {
    const key = `reload ${String(body['idempotency_key'])}`;
    if (!done.has(key)) service.effects.push('reload');
    done.add(key);
    return [200, { epoch: 1, revision: 7 }];
  }

  return service;
}

function told({ state, fence, lastSeq }: Tenant) {
  return { state, inflight: 0, lag: 0, fence, last_seq: lastSeq };
}

/** A tenant's state as the stand-in exports it: any text that ends in its last command's number. */
export function stateText(lastSeq: number, filling = ''): string {
  return `${filling}#${String(lastSeq)}`;
}

function seqOf(data: string): number {
  return Number(data.slice(data.lastIndexOf('#') + 1));
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}
