/** Sends bytes to a server, as no HTTP client would. */
import { connect } from 'node:net';

export interface Reply {
  readonly status: number;
  /** In lower case. */
  readonly head: string;
  readonly body: string;
}

/** Sends bytes, and answers all that comes back until the server closes the connection. */
export async function exchange(port: number, ...parts: (string | Buffer)[]): Promise<Reply[]> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // It may be closed while bytes are still on their way.
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(part);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks)
    .toString('latin1')
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((text) => text !== '')
    .map((text) => {
      const end = text.indexOf('\r\n\r\n');
      return { status: Number(text.slice(9, 12)), head: text.slice(0, end + 2).toLowerCase(), body: text.slice(end + 4) };
    });
}

/** The one problem that was answered; throws for anything else. */
export function problemOf(replies: readonly Reply[]): Record<string, unknown> {
  const [reply, ...more] = replies;
  if (reply === undefined || more.length > 0 || !reply.head.includes('content-type: application/problem+json'))
    throw new Error(`not one problem: ${JSON.stringify(replies)}`);
  return JSON.parse(reply.body) as Record<string, unknown>;
}

/** A request's line and headers. */
export function head(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}
