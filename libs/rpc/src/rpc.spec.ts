/** Client and server over a real connection. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditV1, FairleadError } from '@fairlead/contracts';
import { createTokenSigner, createTokenVerifier, generateSigningKey, type TokenSigner } from '@fairlead/auth';
import { createLogger, createTracing, currentContext, newContext, runInContext, type Tracing } from '@fairlead/telemetry';
import { eventuallyHolds, otlpReceiver, type OtlpReceiver } from '@fairlead/testing';
import { createRpcClient, defineRpcs, GrpcTransport, rpc, type RpcCall, type RpcClient } from './index.js';

/** One RPC stands for all. */
const definition = {
  listRecords: auditV1.AuditServiceService.listRecords,
  discardDeadLetter: auditV1.AuditServiceService.discardDeadLetter,
};

let transport: GrpcTransport;
let client: RpcClient<typeof definition>;
let gateway: TokenSigner;
let handle: (request: auditV1.ListRecordsRequest, call: RpcCall) => Promise<auditV1.ListRecordsResponse>;
const empty = { records: [], nextBefore: 0, position: 0, sealedUntil: 0 };
const request = auditV1.ListRecordsRequest.fromPartial({});
const observed: string[] = [];
/** What the gate refuses with. */
let refusal: FairleadError | undefined;
let changes = 0;
let receiver: OtlpReceiver;
let tracing: Record<'asking' | 'asked', Tracing>;

beforeAll(async () => {
  const [gatewayKey, orchestratorKey] = await Promise.all([generateSigningKey('api-gateway'), generateSigningKey('job-orchestrator')]);
  gateway = await createTokenSigner(gatewayKey);
  const orchestrator = await createTokenSigner(orchestratorKey);
  receiver = await otlpReceiver();
  const logger = createLogger({ service: 'test', level: 'fatal' });
  const exported = { version: '1', logger, endpoint: `${receiver.url}/v1/traces`, delayMs: 10 };
  tracing = { asking: createTracing({ service: 'asking', ...exported }), asked: createTracing({ service: 'asked', ...exported }) };
  transport = new GrpcTransport({
    host: '127.0.0.1',
    port: 0,
    services: [
      defineRpcs(definition, {
        listRecords: rpc('audit.read', (req, call) => handle(req, call)),
        discardDeadLetter: rpc('deadletter.manage', () => Promise.resolve({ position: ++changes, letter: undefined })),
      }),
    ],
    auditGate: { check: () => (refusal === undefined ? Promise.resolve() : Promise.reject(refusal)) },
    verifier: createTokenVerifier({ jwks: { keys: [gatewayKey.publicJwk, orchestratorKey.publicJwk] } }),
    logger,
    tracing: tracing.asked,
    observe: (_method, code) => observed.push(code),
  });
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the server did not listen'));
    });
  });
  client = createRpcClient(definition, {
    address: transport.address,
    tracing: tracing.asking,
    token: () => orchestrator.serviceToken(currentContext()?.principal),
  });
});

afterAll(async () => {
  client.close();
  await transport.close();
  await Promise.all([tracing.asking.close(), tracing.asked.close()]);
  await receiver.close();
});

const viewer = () => gateway.signUser({ userId: 'usr_1', email: 'ann@example.com', roles: ['viewer'] }, 60);

describe('an RPC', () => {
  it('carries the ids of the request and the principal', async () => {
    handle = (_request, call) => {
      expect(currentContext()).toBe(call.context);
      expect(call.context).toMatchObject({
        requestId: 'req-1',
        correlationId: 'cor-1',
        tenantId: 'acme',
        jobId: 'job_1',
        step: 'drain',
        principal: 'user:usr_1',
        sourceAddress: '2001:db8::7',
      });
      return Promise.resolve({ ...empty, position: 7 });
    };
    const context = newContext({
      ...{ requestId: 'req-1', correlationId: 'cor-1', tenantId: 'acme', jobId: 'job_1', step: 'drain' },
      sourceAddress: '2001:db8::7',
    });
    const token = await viewer();
    expect(await runInContext(context, () => client.listRecords(request, { token }))).toEqual({ ...empty, position: 7 });
    expect(observed.at(-1)).toBe('ok');
  });

  it('takes nothing for the address that a request came from which is none', async () => {
    handle = (_request, call) => {
      expect(call.context).not.toHaveProperty('sourceAddress');
      return Promise.resolve(empty);
    };
    const token = await viewer();
    await runInContext(newContext({ sourceAddress: "127.0.0.1'; drop" }), () => client.listRecords(request, { token }));
    await runInContext(newContext({}), () => client.listRecords(request, { token }));
    expect(observed.slice(-2)).toEqual(['ok', 'ok']);
  });

  it('is refused without a permission, without a token, and with a bad one', async () => {
    handle = () => Promise.resolve(empty);
    // The orchestrator as itself may not read the audit trail.
    await expect(client.listRecords(request)).rejects.toMatchObject({ code: 'permission_denied', details: { permission: 'audit.read' } });
    await expect(client.listRecords(request, { token: '' })).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(client.listRecords(request, { token: 'forged' })).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('that changes something is refused to a user while it would not be recorded, and one that reads is not', async () => {
    const admin = await gateway.signUser({ userId: 'usr_1', email: 'ann@example.com', roles: ['admin'] }, 60);
    const discard = (token: string) => client.discardDeadLetter(auditV1.DiscardDeadLetterRequest.fromPartial({}), { token });
    await discard(admin);
    refusal = new FairleadError('audit_unavailable', 'the audit chain is behind');
    try {
      await expect(discard(admin)).rejects.toMatchObject({ code: 'audit_unavailable', message: 'the audit chain is behind' });
      await expect(discard(await viewer())).rejects.toMatchObject({ code: 'permission_denied' });
      handle = () => Promise.resolve(empty);
      expect(await client.listRecords(request, { token: admin })).toEqual(empty);
    } finally {
      refusal = undefined;
    }
    await discard(admin);
    expect(changes).toBe(2);
  });

  it('brings a declared error over as it is, and hides any other', async () => {
    const token = await viewer();
    handle = () => Promise.reject(new FairleadError('plan_stale', 'moved → on', { details: { moved: [{ resource: 'placement/acme' }] } }));
    await expect(client.listRecords(request, { token })).rejects.toMatchObject({
      code: 'plan_stale',
      message: 'moved → on',
      details: { moved: [{ resource: 'placement/acme' }] },
    });
    handle = () => Promise.reject(new Error('password=hunter2'));
    const error = await client.listRecords(request, { token }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'internal' });
    expect(String(error)).not.toContain('hunter2');
    expect(observed.at(-1)).toBe('internal');
  });

  it('ends at its deadline and when it is given up, and the handler learns of it', async () => {
    const token = await viewer();
    const aborted: boolean[] = [];
    handle = (_request, call) =>
      new Promise((resolve) => {
        call.signal.addEventListener('abort', () => {
          aborted.push(true);
          resolve(empty);
        });
      });
    await expect(client.listRecords(request, { token, deadlineMs: 50 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const aborter = new AbortController();
    const call = client.listRecords(request, { token, signal: aborter.signal });
    setTimeout(() => {
      aborter.abort();
    }, 20);
    await expect(call).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await eventuallyHolds(
      () => {
        expect(aborted).toHaveLength(2);
      },
      { what: 'both handlers to be told' },
    );
  });

  it('leaves a span on either side, failed where the fault is', async () => {
    const token = await viewer();
    const method = 'fairlead.audit.v1.AuditService/ListRecords';
    const answers: [Error | undefined, string, 'unset' | 'error', 'unset' | 'error'][] = [
      [undefined, 'OK', 'unset', 'unset'],
      [new FairleadError('plan_stale', 'moved on'), 'FAILED_PRECONDITION', 'error', 'unset'],
      [new Error('password=hunter2'), 'INTERNAL', 'error', 'error'],
    ];
    for (const [index, [error, code, atClient, atServer]] of answers.entries()) {
      handle = (_request, call) => {
        expect(currentContext()).toBe(call.context);
        return error === undefined ? Promise.resolve(empty) : Promise.reject(error);
      };
      const traceId = String(index + 1).repeat(32);
      const context = newContext({ traceparent: `00-${traceId}-${'b'.repeat(16)}-01` });
      await runInContext(context, () => client.listRecords(request, { token })).catch(() => undefined);
      await eventuallyHolds(
        () => {
          const found = receiver.spans.filter((span) => span.traceId === traceId);
          const [asking, asked] = ['client', 'server'].map((kind) => found.find((span) => span.kind === kind));
          expect(asking).toMatchObject({ service: 'asking', name: method, parentSpanId: 'b'.repeat(16), status: atClient });
          expect(asked).toMatchObject({ service: 'asked', name: method, parentSpanId: asking?.spanId, status: atServer });
          for (const span of [asking, asked]) expect(span?.attributes).toMatchObject({ 'rpc.method': method, 'rpc.status_code': code });
        },
        { what: 'both spans to arrive' },
      );
    }
    expect(receiver.spans.flatMap(({ events }) => events.map(({ attributes }) => attributes['exception.message']))).not.toContain(
      'password=hunter2',
    );
    expect(receiver.problems).toEqual([]);
  });

  it('says so when the service can not be reached', async () => {
    const nobody = createRpcClient(definition, { address: '127.0.0.1:1', token: () => 'any' });
    await expect(nobody.listRecords(request)).rejects.toMatchObject({ code: 'service_unreachable' });
    nobody.close();
  });
});
