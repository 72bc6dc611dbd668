/** Sends the same request again and again, over connections that stay open, and holds every answer against the one that is right. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { percentile } from '../figures.js';

export interface LoadOptions {
  /** Of the server, such as `http://127.0.0.1:7400`. */
  url: string;
  /** With its query. */
  path: string;
  token: string;
  /** Each sends its next request when the one before is answered. */
  connections: number;
  /** The body of the right answer. */
  expected: string;
  warmUpMs: number;
  ms: number;
}

export interface Loaded {
  requests: number;
  elapsedMs: number;
  p50Ms: number;
  p99Ms: number;
}

/** Connects and warms the server up; what it answers measures. Both throw at the first answer that is not the right one. */
export async function prepareLoad({ url, path, token, connections, expected, warmUpMs, ms }: LoadOptions): Promise<() => Promise<Loaded>> {
  const { hostname, port, host } = new URL(url);
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\naccept: application/json\r\n\r\n`,
  );
  const body = Buffer.from(expected);
  const open = async () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket, request, body);
  };
  const all = await Promise.all(Array.from({ length: connections }, open));
  const close = () => {
    for (const connection of all) connection.close();
  };
  const during = async (timeMs: number) => {
    const begin = performance.now();
    const latencies: number[] = [];
    const asking = async (connection: Connection) => {
      for (let at = performance.now(); at - begin < timeMs;) {
        await connection.ask();
        const answered = performance.now();
        latencies.push(answered - at);
        at = answered;
      }
    };
    try {
      await Promise.all(all.map(asking));
    } catch (error) {
      close();
      throw error;
    }
    return { latencies, elapsedMs: performance.now() - begin };
  };
  await during(warmUpMs);
  return async () => {
    const { latencies, elapsedMs } = await during(ms);
    close();
    return { requests: latencies.length, elapsedMs, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
  };
}

const headEnd = Buffer.from('\r\n\r\n');

/** A bare HTTP/1.1 client of a dozen microseconds a request: on the same processors, a whole one would cost more than the servers do. */
class Connection {
  private received: Buffer[] = [];
  private asked: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly request: Buffer,
    private readonly expected: Buffer,
  ) {
    const lost = (error?: Error) => this.asked?.reject(error ?? new Error('the server has closed a connection'));
    socket.on('error', lost);
    socket.on('close', () => {
      lost();
    });
    socket.on('data', (chunk) => {
      this.take(chunk);
    });
  }

  /** Resolves when the right answer is there. */
  ask(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) throw new Error('the server has closed a connection');
      this.asked = { resolve, reject };
      this.socket.write(this.request);
    });
  }

  close(): void {
    this.asked = undefined;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received.push(chunk);
    const answer = this.received.length === 1 ? chunk : Buffer.concat(this.received);
    const end = answer.indexOf(headEnd);
    if (end === -1) return;
    const head = answer.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? NaN);
    const body = answer.subarray(end + headEnd.length);
    if (body.length < length) return;
    this.received = [];
    if (head.startsWith('HTTP/1.1 200 ') && body.equals(this.expected)) this.asked?.resolve();
    else this.asked?.reject(new Error(`answered with ${head.split('\r\n')[0] ?? ''} and ${body.toString('utf8').slice(0, 300)}`));
  }
}
