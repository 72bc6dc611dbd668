import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be cut: clients that go through it find the server gone, and back again. */
export interface BreakableLink {
  /** Where clients connect to instead of the server. */
  readonly port: number;
  /** Ends all connections and refuses new ones until `mend()`. */
  readonly cut: () => void;
  readonly mend: () => void;
  close(): Promise<void>;
}

/** Forwards a port of the loopback to a server's address, byte for byte. Call `close()` in afterAll. */
export async function breakableLink(server: { host: string; port: number }): Promise<BreakableLink> {
  const open = new Set<Socket>();
  let whole = true;
  const cut = () => {
    whole = false;
    for (const socket of open) socket.destroy();
  };
  const proxy = createServer((client) => {
    if (!whole) {
      client.destroy();
      return;
    }
    const upstream = connect(server);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    cut,
    mend: () => {
      whole = true;
    },
    close: async () => {
      const closed = new Promise((resolve) => proxy.close(resolve));
      cut();
      await closed;
    },
  };
}
