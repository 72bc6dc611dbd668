import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventuallyHolds } from '@fairlead/testing';
import { Webhook } from 'standardwebhooks';

/** A message as it came in. */
export interface Received {
  /** Its `webhook-id`. */
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly text: string;
  readonly body: { type: string; id: string; subject: string; data: Record<string, unknown> } & Record<string, unknown>;
}

/** For specs: a real receiver of webhooks on a loopback address. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** How it answers, from now on: a status, or nothing until it is released. */
  answer(how: number | 'not' | ((received: Received, response: ServerResponse) => void)): void;
  /** Ends what it has not answered. */
  release(): void;
  /** Waits until it has so many messages. */
  has(count: number): Promise<Received[]>;
  stop(): Promise<void>;
}

/** Starts a receiver; the caller stops it. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const held = new Set<ServerResponse>();
  let how: Parameters<Receiver['answer']>[0] = 204;
  const take = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const one: Received = { id: headers['webhook-id'] ?? '', headers, text, body: JSON.parse(text) as Received['body'] };
      received.push(one);
      if (how === 'not') held.add(response);
      else if (typeof how === 'number') response.writeHead(how).end();
      else how(one, response);
    });
  };
  const server = createServer(take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hook?key=in-the-url`,
    received,
    answer: (next) => {
      how = next;
    },
    release: () => {
      for (const response of held) response.writeHead(204).end();
      held.clear();
    },
    has: async (count) => {
      await eventuallyHolds(
        () => {
          if (received.length < count) throw new Error(`it has ${String(received.length)}`);
        },
        { timeoutMs: 15_000, what: `${String(count)} messages` },
      );
      return received;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** Throws unless a message is signed with the secret, by the reference implementation. */
export function verify(secret: string, { text, headers }: Received): void {
  new Webhook(secret).verify(text, headers);
}
