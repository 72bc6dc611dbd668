/** What is too much is refused, over a real connection, with a status that says so; and the next call is answered. */
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jobsV1 } from '@fairlead/contracts';
import { createTokenSigner, createTokenVerifier, generateSigningKey } from '@fairlead/auth';
import { createLogger } from '@fairlead/telemetry';
import { maxMessageBytes, maxMetadataBytes, maxRequestDepth, requireDepth } from './bounds.js';
import { createRpcClient, defineRpcs, GrpcTransport, rpc, type RpcClient } from './index.js';
import { fromGrpcError } from './status.js';

const definition = { createPlan: jobsV1.JobOrchestratorServiceService.createPlan };
const { path } = definition.createPlan;

let transport: GrpcTransport;
let client: RpcClient<typeof definition>;
/** One that holds itself to nothing. */
let raw: Client;
let token: string;
let answer: () => jobsV1.CreatePlanResponse;
const asked: jobsV1.CreatePlanRequest[] = [];

beforeAll(async () => {
  const key = await generateSigningKey('api-gateway');
  const signer = await createTokenSigner(key);
  token = await signer.signUser({ userId: 'usr_1', email: 'ann@example.com', roles: ['operator'] }, 600);
  transport = new GrpcTransport({
    host: '127.0.0.1',
    port: 0,
    services: [
      defineRpcs(definition, {
        createPlan: rpc('plan.create', (request) => {
          asked.push(request);
          return Promise.resolve(answer());
        }),
      }),
    ],
    verifier: createTokenVerifier({ jwks: { keys: [key.publicJwk] } }),
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  await new Promise<void>((resolve, reject) => {
    transport.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the server did not listen'));
    });
  });
  client = createRpcClient(definition, { address: transport.address, token: () => token, deadlineMs: 60_000 });
  raw = new Client(transport.address, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': -1,
  });
});

afterAll(async () => {
  client.close();
  raw.close();
  await transport.close();
});

const empty = () => jobsV1.CreatePlanResponse.fromPartial({});
type Parts = Partial<jobsV1.CreatePlanRequest>;
const requestOf = (parts: Parts) => ({ ...jobsV1.CreatePlanRequest.fromPartial({}), ...parts });
const ask = (parts: Parts) => client.createPlan(requestOf(parts));

/** Sends bytes as they are; rejects with what gRPC says. */
const send = (bytes: Buffer, more: Record<string, string> = { authorization: `Bearer ${token}` }): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(more)) metadata.set(name, value);
    const same = (given: Buffer) => given;
    raw.makeUnaryRequest(path, same, same, bytes, metadata, { deadline: Date.now() + 60_000 }, (error, response) => {
      if (error !== null) reject(error);
      else resolve(response ?? Buffer.alloc(0));
    });
  });
const codeOf = (error: unknown) => fromGrpcError(error as ServiceError, 'jobs').code;
const bytesOf = (parts: Parts) => Buffer.from(jobsV1.CreatePlanRequest.encode(requestOf(parts)).finish());
const nested = (levels: number): Record<string, unknown> => (levels === 0 ? {} : { a: nested(levels - 1) });

afterEach(async () => {
  // Whatever was refused: the service goes on.
  answer = empty;
  asked.length = 0;
  await ask({ kind: 'next', params: { tenant: 'acme' } });
  expect(asked).toMatchObject([{ kind: 'next', params: { tenant: 'acme' } }]);
});

describe('a message', () => {
  beforeAll(() => {
    answer = empty;
  });

  it('that asks too much is refused by who sends it, and by who gets it', async () => {
    asked.length = 0;
    const reason = 'x'.repeat(maxMessageBytes);
    await expect(ask({ reason })).rejects.toMatchObject({ code: 'too_large' });
    await expect(send(bytesOf({ reason }))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(asked).toEqual([]);
    const most = 'x'.repeat(maxMessageBytes - 1_000);
    await ask({ reason: most });
    expect(asked.map((request) => request.reason.length)).toEqual([most.length]);
  }, 60_000);

  it('that answers too much is refused by who sends it', async () => {
    answer = () => jobsV1.CreatePlanResponse.fromPartial({ plan: { canonical: 'x'.repeat(maxMessageBytes) } });
    await expect(ask({})).rejects.toMatchObject({ code: 'too_large' });
    await expect(send(bytesOf({}))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  }, 60_000);

  it('that is no message is refused', async () => {
    asked.length = 0;
    const error = await send(Buffer.from([0x0a, 0xff, 0xff, 0xff])).catch((caught: unknown) => caught);
    expect([(error as ServiceError).code, codeOf(error)]).toEqual([status.INVALID_ARGUMENT, 'invalid_argument']);
    expect(asked).toEqual([]);
  });
});

describe('what stands within each other', () => {
  it('is taken up to the bound, and refused beyond', async () => {
    asked.length = 0;
    // The message and its parameters are a level each.
    await ask({ params: nested(maxRequestDepth - 2) });
    expect(asked[0]?.params).toEqual(nested(maxRequestDepth - 2));
    await expect(ask({ params: nested(maxRequestDepth - 1) })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'The request is nested more than 32 levels deep',
    });
    expect(asked).toHaveLength(1);
  });

  it.each([1_000, 200_000])('is refused at %d levels, which nobody could have read', async (levels) => {
    asked.length = 0;
    const error = await send(deepRequest(levels)).catch((caught: unknown) => caught);
    expect([(error as ServiceError).code, codeOf(error)]).toEqual([status.INVALID_ARGUMENT, 'invalid_argument']);
    expect(String(error)).toContain('nested too deep');
    expect(asked).toEqual([]);
  });

  it('counts in JSON that is carried as text, and in no other text', () => {
    const text = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    expect(() => {
      requireDepth({ events: [{ payloadJson: text(maxRequestDepth), reason: text(500), bytes: Buffer.alloc(9) }] });
    }).not.toThrow();
    for (const message of [{ payloadJson: text(maxRequestDepth + 1) }, { events: [{ metaJson: text(100_000) }] }])
      expect(() => {
        requireDepth(message);
      }).toThrow('nested more than 32 levels deep');
  });

  it('is not told to who may not call', async () => {
    const error = await send(deepRequest(1_000), {}).catch((caught: unknown) => caught);
    expect(codeOf(error)).toBe('unauthenticated');
  });
});

describe('metadata', () => {
  const sendWith = (bytes: number) =>
    send(bytesOf({}), { authorization: `Bearer ${token}`, 'x-more': 'x'.repeat(bytes) }).catch((caught: unknown) => caught);

  it('beyond the bound is refused', async () => {
    asked.length = 0;
    expect(codeOf(await sendWith(maxMetadataBytes))).toBe('too_large');
    expect(asked).toEqual([]);
  });

  it('beyond what HTTP/2 takes ends the call, and no other', async () => {
    asked.length = 0;
    expect(await sendWith(100_000)).toBeInstanceOf(Error);
    expect(asked).toEqual([]);
  });

  it('within the bound is taken', async () => {
    asked.length = 0;
    await send(bytesOf({ kind: 'toy' }), { authorization: `Bearer ${token}`, 'x-more': 'x'.repeat(maxMetadataBytes - 4_000) });
    expect(asked).toMatchObject([{ kind: 'toy' }]);
  });
});

/** A plan's request whose parameters stand so deep within each other, written from its end: `{a: {a: …}}` as google.protobuf.Struct. */
function deepRequest(levels: number): Buffer {
  const room = Buffer.alloc(levels * 24 + 64);
  let at = room.length;
  const before = (...bytes: number[]) => {
    at -= bytes.length;
    room.set(bytes, at);
  };
  const sized = (tag: number, end: number) => {
    let length = end - at;
    const size: number[] = [];
    for (; length > 0x7f; length = Math.floor(length / 128)) size.push((length & 0x7f) | 0x80);
    before(tag, ...size, length);
  };
  const end = at;
  for (let level = 0; level < levels; level += 1) {
    // A value that is a struct, in an entry of the key a, in a struct.
    sized(0x2a, end);
    sized(0x12, end);
    before(0x0a, 1, 0x61);
    sized(0x0a, end);
  }
  sized(0x12, end);
  return room.subarray(at);
}
