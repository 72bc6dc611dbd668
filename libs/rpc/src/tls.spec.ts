/** Client and server over mutual TLS: who is let in, what is refused and how it is said, and certificates that change under calls. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { auditV1, chainV1, describeError, placementV1, type Peer } from '@fairlead/contracts';
import { createTokenSigner, createTokenVerifier, generateSigningKey, type TokenSigner, type TokenVerifier } from '@fairlead/auth';
import { createLogger } from '@fairlead/telemetry';
import { eventuallyHolds } from '@fairlead/testing';
import { fixedTls, type TlsMaterial, type TlsSource } from '@fairlead/tls';
import { createAuthority, issueCertificate, type Authority } from '@fairlead/tls/authority';
import { createRpcClient, defineRpcs, GrpcTransport, rpc, streamRpc, type GrpcTransportOptions } from './index.js';

jest.setTimeout(60_000);
const definition = { listRecords: auditV1.AuditServiceService.listRecords };
const shards = { listShards: placementV1.PlacementServiceService.listShards };
const streams = { exportChain: chainV1.ChainServiceService.exportChain };
const request = auditV1.ListRecordsRequest.fromPartial({});
const empty = { records: [], nextBefore: 0, position: 0, sealedUntil: 0 };
const dayMs = 86_400_000;

let ca: Authority;
let stranger: Authority;
let verifier: TokenVerifier;
let gateway: TokenSigner;
let orchestrator: TokenSigner;
let viewer: string;
const lines: string[] = [];
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  [ca, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  const [gatewayKey, otherKey] = await Promise.all([generateSigningKey('api-gateway'), generateSigningKey('job-orchestrator')]);
  [gateway, orchestrator] = await Promise.all([createTokenSigner(gatewayKey), createTokenSigner(otherKey)]);
  verifier = createTokenVerifier({ jwks: { keys: [gatewayKey.publicJwk, otherKey.publicJwk] } });
  viewer = await gateway.signUser({ userId: 'usr_1', email: 'ann@example.com', roles: ['admin'] }, 600);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const issued = async (authority: Authority, peer: Peer, options: { days?: number; now?: Date } = {}): Promise<TlsMaterial> => ({
  ...(await issueCertificate(authority, { peer, ...options })),
  ca: ca.cert,
});

/** A source that is told when there are others. */
function changing(first: TlsMaterial): TlsSource & { put(next: TlsMaterial): void } {
  let material = first;
  const runs = new Set<() => void>();
  return {
    current: () => material,
    onChange: (run) => {
      runs.add(run);
      return () => runs.delete(run);
    },
    close: () => undefined,
    put: (next) => {
      material = next;
      for (const run of runs) run();
    },
  };
}

/** An audit service that answers one call and one stream. @returns its address */
async function serve(options: Pick<GrpcTransportOptions, 'tls' | 'maxConnectionAgeMs'>, wait?: Promise<void>): Promise<string> {
  const transport = new GrpcTransport({
    ...{ host: '127.0.0.1', port: 0, verifier, ...options },
    services: [
      defineRpcs(definition, { listRecords: rpc('audit.read', () => Promise.resolve(empty)) }),
      defineRpcs(shards, {
        listShards: rpc('placement.read', () => Promise.resolve(placementV1.ListShardsResponse.fromPartial({}))),
      }),
      defineRpcs(streams, {
        exportChain: streamRpc({ permission: 'audit.export' }, async function* () {
          yield chainV1.ExportChainResponse.fromPartial({});
          await wait;
          yield chainV1.ExportChainResponse.fromPartial({});
        }),
      }),
    ],
    logger: createLogger({ service: 'spec', level: 'warn', destination: { write: (line: string) => void lines.push(line) } }),
  });
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the server did not listen'));
    });
  });
  cleanups.push(() => transport.close());
  return transport.address;
}

/** Calls once. @returns what came of it: `answered`, or the error's code with all that it says */
async function call(address: string, tls: TlsSource | undefined, token = viewer): Promise<string> {
  const client = createRpcClient(definition, { address, tls, token: () => token });
  try {
    await client.listRecords(request);
    return 'answered';
  } catch (error) {
    return `${(error as { code: string }).code}: ${describeError(error)}`;
  } finally {
    client.close();
  }
}

const as = async (peer: Peer) => fixedTls(await issued(ca, peer));

describe('over mutual TLS', () => {
  it('a peer calls what the table lets it call, and nothing else, whatever token it brings', async () => {
    const address = await serve({ tls: await as('audit') });
    expect(await call(address, await as('api-gateway'))).toBe('answered');
    for (const peer of ['placement', 'edge', 'fleet', 'audit'] as const)
      expect(await call(address, await as(peer))).toBe(
        `permission_denied: ${peer} may not call fairlead.audit.v1.AuditService/ListRecords`,
      );
  });

  it("a service's own token counts with its own certificate, and where the gateway passes it on", async () => {
    const address = await serve({ tls: await as('placement') });
    const ask = async (peer: Peer, token: string) => {
      const client = createRpcClient(shards, { address, tls: await as(peer), token: () => token });
      cleanups.push(() => {
        client.close();
      });
      return client.listShards({ kind: '' }).then(
        () => 'answered',
        (error: unknown) => `${(error as { code: string }).code}: ${describeError(error)}`,
      );
    };
    const token = await gateway.serviceToken('user:usr_1');
    expect(await ask('job-orchestrator', token)).toBe(
      "unauthenticated: The token is api-gateway's, and the certificate job-orchestrator's",
    );
    expect(await ask('api-gateway', token)).toBe('answered');
    expect(await ask('api-gateway', await orchestrator.serviceToken())).toBe('answered');
    expect(await ask('api-gateway', 'forged')).toMatch(/^unauthenticated/);
  });

  it('a client turns away from a server that speaks for another service, or that a stranger vouches for', async () => {
    const other = await serve({ tls: await as('placement') });
    expect(await call(other, await as('api-gateway'))).toMatch(
      /^service_unreachable: .*the server's certificate speaks for placement, not for audit/,
    );
    const strange = await serve({ tls: fixedTls(await issued(stranger, 'audit')) });
    expect(await call(strange, await as('api-gateway'))).toMatch(/^service_unreachable: .*(unable to verify|self-signed)/);
  });

  it.each([
    ['of a CA that is not trusted', async () => fixedTls(await issued(stranger, 'api-gateway'))],
    ['that has expired', async () => fixedTls(await issued(ca, 'api-gateway', { days: 1, now: new Date(Date.now() - 2 * dayMs) }))],
    ['that is not valid yet', async () => fixedTls(await issued(ca, 'api-gateway', { now: new Date(Date.now() + 2 * dayMs) }))],
    ['and speaks plain text', () => Promise.resolve(undefined)],
  ])('a server refuses a client with a certificate %s, and logs it', async (_what, source) => {
    const address = await serve({ tls: await as('audit') });
    lines.length = 0;
    expect(await call(address, await source())).toMatch(/^service_unreachable: /);
    await eventuallyHolds(
      () => {
        expect(lines.join('')).toContain('a TLS handshake failed');
      },
      { what: 'a log line' },
    );
  });

  it('a server refuses a client without a certificate', async () => {
    const address = await serve({ tls: await as('audit') });
    const client = new Client(address, credentials.createSsl(Buffer.from(ca.cert), null, null, { checkServerIdentity: () => undefined }));
    cleanups.push(() => {
      client.close();
    });
    const { path, requestSerialize, responseDeserialize } = definition.listRecords;
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${viewer}`);
    const answer = new Promise((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error) => {
        resolve(error?.code);
      });
    });
    expect(await answer).toBe(14);
  });

  it('a client with TLS does not fall back to plain text', async () => {
    expect(await call(await serve({}), await as('api-gateway'))).toMatch(/^service_unreachable: /);
  });
});

describe('certificates that change', () => {
  it('are used by new connections; calls and streams that are under way lose nothing', async () => {
    const [next, server, client] = [
      await createAuthority(),
      changing(await issued(ca, 'audit')),
      changing(await issued(ca, 'api-gateway')),
    ];
    let end: () => void = () => undefined;
    const address = await serve({ tls: server }, new Promise((resolve) => (end = resolve)));
    const options = { address, tls: client, token: () => viewer };
    const [kept, exports] = [createRpcClient(definition, options), createRpcClient(streams, options)];
    cleanups.push(() => {
      kept.close();
      exports.close();
    });
    const stream = exports.exportChain(chainV1.ExportChainRequest.fromPartial({}));
    expect((await stream.next()).done).toBe(false);

    let stopped = false;
    const answers: string[] = [];
    // Each call on a connection of its own, beside one that was there before.
    const callers = Array.from({ length: 4 }, async () => {
      while (!stopped) answers.push(await call(address, client), await kept.listRecords(request).then(() => 'answered', String));
    });
    const goOn = async () => {
      const from = answers.length;
      await eventuallyHolds(
        () => {
          expect(answers.length).toBeGreaterThan(from + 30);
        },
        { what: 'calls to go on', timeoutMs: 20_000 },
      );
    };
    try {
      await goOn();
      // Both CAs are trusted, then certificates are of the new one, then the old one is trusted no more.
      const both = `${ca.cert}${next.cert}`;
      for (const source of [server, client]) source.put({ ...source.current(), ca: both });
      await goOn();
      client.put({ ...(await issued(next, 'api-gateway')), ca: both });
      await goOn();
      server.put({ ...(await issued(next, 'audit')), ca: both });
      await goOn();
      for (const source of [server, client]) source.put({ ...source.current(), ca: next.cert });
      await goOn();
    } finally {
      stopped = true;
      await Promise.all(callers);
    }
    expect(answers.filter((answer) => answer !== 'answered')).toEqual([]);
    expect(await call(address, await as('api-gateway'))).toMatch(/^service_unreachable: /);
    end();
    expect((await stream.next()).done).toBe(false);
    expect((await stream.next()).done).toBe(true);
  });

  it('are asked for again on a connection that has grown old', async () => {
    const client = changing(await issued(ca, 'api-gateway'));
    const address = await serve({ tls: await as('audit'), maxConnectionAgeMs: 100 });
    const kept = createRpcClient(definition, { address, tls: client, token: () => viewer });
    cleanups.push(() => {
      kept.close();
    });
    await eventuallyHolds(
      async () => {
        expect(await kept.listRecords(request)).toEqual(empty);
      },
      { what: 'an answer' },
    );
    client.put(await issued(ca, 'placement'));
    await eventuallyHolds(
      async () => {
        await expect(kept.listRecords(request)).rejects.toMatchObject({ code: 'permission_denied' });
      },
      { what: 'a connection with the other certificate' },
    );
  });
});
