/** Mutual TLS of gRPC: both ends show a certificate that says whom it speaks for. */
import type { Http2SecureServer } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { experimental, type ChannelCredentials, type Server, type ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { Principal } from '@fairlead/auth';
import { FairleadError, rpcAccess, type ControlPlaneService, type Peer } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';
import { peerOf, speaksFor, type TlsSource } from '@fairlead/tls';

/** Logs why a handshake failed, which the client alone is told otherwise. */
export function logHandshakes(server: Server, logger: Logger): void {
  // grpc-js keeps its HTTP/2 servers to itself; without them there is no line.
  const { http2Servers } = server as unknown as { http2Servers?: ReadonlyMap<Http2SecureServer, unknown> };
  for (const http2 of http2Servers?.keys() ?? [])
    http2.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      logger.warn({ error: error.message, code: error.code, address: socket.remoteAddress }, 'a TLS handshake failed');
    });
}

/** The part of a peer's certificate that says whom it speaks for. */
interface Certificate {
  readonly subjectaltname?: string;
}

/** Credentials of a server: clients without a certificate of a CA that is trusted are not let in. New connections use the newest files. */
export function serverCredentials(source: TlsSource): ServerCredentials {
  const provider = providerOf(source);
  return experimental.createCertificateProviderServerCredentials(provider, provider, true);
}

/**
 * Credentials of a client. The server is known by whom its certificate speaks for, and not by the name that it was found under: that
 * may be a network's, and lead anywhere.
 */
export function clientCredentials(source: TlsSource, server: ControlPlaneService): ChannelCredentials {
  const provider = providerOf(source);
  return experimental.createCertificateProviderChannelCredentials(provider, provider, { checkServerIdentity: speaksFor(server) });
}

/** The one service that answers all methods of a definition. Throws for a definition that the table of access does not know. */
export function serverOf(definition: ServiceDefinition): ControlPlaneService {
  const servers = new Set(Object.values(definition).map(({ path }) => rpcAccess.get(path)?.server));
  const [server] = servers;
  if (server === undefined || servers.size !== 1) throw new Error('no one service answers these methods');
  return server;
}

/**
 * The caller whom a certificate that was verified speaks for. Throws `unauthenticated` when it is nobody that we know, and
 * `permission_denied` when the table does not let them call the method.
 */
export function requireCaller(certificate: Certificate | undefined, path: string): Peer {
  const peer = peerOf(certificate?.subjectaltname);
  if (peer === undefined) throw new FairleadError('unauthenticated', "The caller's certificate speaks for nobody that is known here");
  if (rpcAccess.get(path)?.callers.includes(peer) !== true) {
    const rpc = path.slice(1);
    throw new FairleadError('permission_denied', `${peer} may not call ${rpc}`, { details: { peer, rpc } });
  }
  return peer;
}

/**
 * A service's own token is of no use with the certificate of another, but for the gateway's, which passes on what it is called with, as
 * users' tokens. Throws `unauthenticated`.
 */
export function requireOwnToken(peer: Peer, { kind, name }: Principal): void {
  if (kind === 'service' && name !== peer && peer !== 'api-gateway')
    throw new FairleadError('unauthenticated', `The token is ${name}'s, and the certificate ${peer}'s`);
}

type Provider = experimental.CertificateProvider;
type Listener = experimental.CaCertificateUpdateListener | experimental.IdentityCertificateUpdateListener;

/** A source as grpc-js takes it: each listener is told what is there now, and each change. */
function providerOf(source: TlsSource): Provider {
  const removals = new Map<Listener, () => void>();
  const listen = (listener: Listener, tell: () => void) => {
    removals.set(listener, source.onChange(tell));
    // Not at once: grpc-js heeds what a listener is told after it was added.
    queueMicrotask(() => {
      if (removals.has(listener)) tell();
    });
  };
  const remove = (listener: Listener) => {
    removals.get(listener)?.();
    removals.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) => {
      listen(listener, () => {
        listener({ caCertificate: Buffer.from(source.current().ca) });
      });
    },
    removeCaCertificateListener: remove,
    addIdentityCertificateListener: (listener) => {
      listen(listener, () => {
        const { cert, key } = source.current();
        listener({ certificate: Buffer.from(cert), privateKey: Buffer.from(key) });
      });
    },
    removeIdentityCertificateListener: remove,
  };
}
