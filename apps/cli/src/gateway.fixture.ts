import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { runCli } from './program.js';
import type { Terminal } from './terminal.js';

/** What a route answers; a string body is sent as it is. */
export interface Answer {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
}
export interface Seen {
  route: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}
type Handler = (seen: Seen, response: ServerResponse) => Answer | 'handled';

/** A real HTTP server that answers the routes a test gives it, and remembers what it was asked. */
export class Gateway {
  readonly seen: Seen[] = [];
  readonly routes = new Map<string, Handler>();
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request, response);
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  on(route: string, handler: Handler | Answer): void {
    this.routes.set(route, typeof handler === 'function' ? handler : () => handler);
  }

  of(route: string): Seen[] {
    return this.seen.filter((seen) => seen.route === route);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const sent = await text(request);
    const seen = {
      route: `${request.method ?? ''} ${url.pathname}`,
      query: url.searchParams,
      headers: request.headers,
      body: sent === '' ? {} : (JSON.parse(sent) as Record<string, unknown>),
    };
    this.seen.push(seen);
    const handler = this.routes.get(seen.route) ?? (() => problem(404, 'not_found', 'There is no such route'));
    const answer = handler(seen, response);
    if (answer === 'handled') return;
    const { status = 200, body, headers } = answer;
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
  }
}

/** An RFC 9457 answer. */
export const problem = (status: number, code: string, detail: string): Answer => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: `urn:fairlead:problem:${code}`, title: 'A problem', status, detail, code, request_id: 'req_42' },
});

/** A plan as the gateway answers it. */
export const plan = (verdict = 'pass') => ({
  plan_id: 'plan_1',
  kind: 'tenant-migrate',
  digest: 'digest-1',
  actions: [{ name: 'drain', description: 'stop new work', kind: 'runner', from_shard_id: 'runner-1', to_shard_id: 'runner-2' }],
  checks: [{ name: 'target-ready', verdict, value: '1 of 1', limit: 'all', message: 'runner-2 is ready or not' }],
  impact: { tenants: ['acme'], services: ['runner/runner-1'], expected_pause_ms: 350 },
  expires_at: '2026-11-01T10:15:00.000Z',
});

/** A job as the gateway answers it. */
export const job = (status: string) => ({
  job_id: 'job_1',
  kind: 'tenant-migrate',
  status,
  steps: [{ name: 'drain', status: 'running', attempts: 1 }],
  error: null,
});

/** One event of a job's stream. */
export const frame = (position: number, type: string, payload: object = {}) =>
  `id: ${position}\nevent: ${type}\ndata: ${JSON.stringify({ position, type, recorded_at: `2026-11-01T10:00:0${position}.000Z`, payload })}\n\n`;

export interface RunOptions {
  env?: Record<string, string>;
  /** What a person types; nobody is there without it. */
  answers?: string[];
  /** The standard input. */
  input?: string;
  /** What the clock says; 2026-11-01T10:00:00Z when left out. */
  now?: string;
  /** Without URL and token in the environment. */
  anonymous?: boolean;
}

/** A gateway that answers what a test wants, a folder for the session, and the command line over both. */
export interface Stage {
  readonly gateway: Gateway;
  readonly url: string;
  readonly dir: string;
  /** Runs one command line in this process. */
  readonly run: (args: string[], options?: RunOptions) => Promise<{ exitCode: number; out: string; err: string }>;
  readonly stop: () => Promise<void>;
}

/** Starts a stage; the caller stops it. */
export async function startStage(): Promise<Stage> {
  const gateway = new Gateway();
  const url = await gateway.start();
  const dir = mkdtempSync(join(tmpdir(), 'fairlead-cli-'));
  return {
    gateway,
    url,
    dir,
    run: (args, options = {}) => run({ url, dir }, args, options),
    stop: async () => {
      await gateway.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

async function run({ url, dir }: { url: string; dir: string }, args: string[], options: RunOptions) {
  const answers = [...(options.answers ?? [])];
  const written = { out: '', err: '' };
  const ask = (question: string) => {
    written.err += question;
    return Promise.resolve(answers.shift() ?? '');
  };
  const terminal: Terminal = {
    env: {
      FAIRLEAD_CONFIG_DIR: dir,
      ...(options.anonymous === true ? {} : { FAIRLEAD_URL: url, FAIRLEAD_TOKEN: 'token-1' }),
      ...options.env,
    },
    interactive: options.answers !== undefined,
    out: (chunk) => {
      written.out += chunk;
    },
    err: (chunk) => {
      written.err += chunk;
    },
    failing: () => undefined,
    now: () => new Date(options.now ?? '2026-11-01T10:00:00Z'),
    readInput: () => Promise.resolve(options.input ?? ''),
    ask,
    askSecret: ask,
  };
  const exitCode = await runCli(args, terminal);
  return { exitCode, ...written };
}
