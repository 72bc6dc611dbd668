import { peers, type Peer } from '@fairlead/contracts';

/** What a certificate says whom it speaks for, as a SAN of the kind URI (a SPIFFE ID). */
export const identityUri = (peer: Peer): string => `spiffe://fairlead/${peer}`;

const peerByUri = new Map(peers.map((peer) => [`URI:${identityUri(peer)}`, peer]));

/**
 * Whom a certificate speaks for, by its subject alternative names as Node writes them; undefined when it names nobody that we know,
 * or more than one. Whether somebody trusted signed it is for the caller to know.
 */
export function peerOf(subjectAltNames: string | undefined): Peer | undefined {
  // Node quotes a name that holds what separates names: none of ours does, and such a one could seem to be two.
  if (subjectAltNames === undefined || subjectAltNames.includes('"')) return undefined;
  const uris = subjectAltNames.split(', ').filter((name) => name.startsWith('URI:'));
  return uris.length === 1 ? peerByUri.get(uris[0] ?? '') : undefined;
}

/**
 * What a client checks of a server in a handshake: that its certificate speaks for a peer. Under which name it was found does not count:
 * that is a network's, and may lead anywhere.
 */
export function speaksFor(server: Peer): (host: string, certificate: { subjectaltname?: string }) => Error | undefined {
  return (_host, certificate) => {
    const peer = peerOf(certificate.subjectaltname);
    return peer === server ? undefined : new Error(`the server's certificate speaks for ${peer ?? 'nobody known'}, not for ${server}`);
  };
}
