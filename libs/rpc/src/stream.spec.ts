/** Streams between client and server over a real connection. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changesV1, FairleadError } from '@fairlead/contracts';
import { createTokenSigner, createTokenVerifier, generateSigningKey, type Scope, type TokenSigner } from '@fairlead/auth';
import { createLogger, currentContext, newContext, runInContext } from '@fairlead/telemetry';
import { eventually, eventuallyHolds } from '@fairlead/testing';
import { createRpcClient, defineRpcs, GrpcTransport, streamRpc, type RpcCall, type RpcClient } from './index.js';

const definition = changesV1.ChangeStreamServiceService;
type Message = changesV1.WatchResponse;
const request = changesV1.WatchRequest.fromPartial({});
const message = (cursor: string) => changesV1.WatchResponse.fromPartial({ cursor });

let transport: GrpcTransport;
let client: RpcClient<typeof definition>;
let key: Awaited<ReturnType<typeof generateSigningKey>>;
let gateway: TokenSigner;
let stream: (call: RpcCall) => AsyncIterable<Message>;
let observed: string[];

async function serve(scoped: boolean, stallMs?: number): Promise<GrpcTransport> {
  const started = new GrpcTransport({
    host: '127.0.0.1',
    port: 0,
    services: [
      defineRpcs(definition, {
        watch: streamRpc({ permission: 'change.read', scoped, cursorOf: ({ cursor }) => cursor.split(' ')[0] ?? '' }, (_request, call) =>
          stream(call),
        ),
      }),
    ],
    verifier: createTokenVerifier({ jwks: { keys: [key.publicJwk] } }),
    logger: createLogger({ service: 'test', level: 'silent' }),
    stallMs,
    observe: (_method, code) => observed.push(code),
  });
  await new Promise<void>((resolve, reject) => {
    started.listen((error) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('the server did not listen'));
    });
  });
  return started;
}

beforeAll(async () => {
  key = await generateSigningKey('api-gateway');
  gateway = await createTokenSigner(key);
  transport = await serve(false);
  client = createRpcClient(definition, { address: transport.address, token: () => 'none' });
});

afterAll(async () => {
  client.close();
  await transport.close();
});

beforeEach(() => {
  observed = [];
});

const token = (options: { ttlSeconds?: number; scope?: Scope } = {}) =>
  gateway.signUser({ userId: 'usr_1', email: 'ann@example.com', roles: ['viewer'], scope: options.scope }, options.ttlSeconds ?? 60);

async function* numbers(count: number): AsyncGenerator<Message> {
  for (let number = 1; number <= count; number++) yield await Promise.resolve(message(String(number)));
}

/** Waits until the call ends, and sends nothing. */
async function* silence({ signal }: RpcCall): AsyncGenerator<Message> {
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  yield* [];
}

async function read(messages: AsyncIterable<Message>): Promise<string[]> {
  const cursors: string[] = [];
  for await (const { cursor } of messages) cursors.push(cursor);
  return cursors;
}

describe('a stream', () => {
  it('brings every message in order, in the context of its caller, and ends', async () => {
    stream = async function* (call) {
      expect(currentContext()).toBe(call.context);
      yield* numbers(2_000);
      expect(currentContext()).toMatchObject({ requestId: 'req-1', principal: 'user:usr_1' });
    };
    const bearer = await token();
    const cursors = await runInContext(newContext({ requestId: 'req-1' }), () => read(client.watch(request, { token: bearer })));
    expect(cursors).toEqual(Array.from({ length: 2_000 }, (_, index) => String(index + 1)));
    expect(observed).toEqual(['ok']);
  });

  it('is refused without a token, without the permission, and to a caller who is kept to a scope', async () => {
    stream = () => numbers(1);
    await expect(read(client.watch(request))).rejects.toMatchObject({ code: 'unauthenticated' });
    const nobody = await gateway.signUser({ userId: 'usr_1', email: 'a@example.com', roles: [] }, 60);
    await expect(read(client.watch(request, { token: nobody }))).rejects.toMatchObject({
      code: 'permission_denied',
      details: { permission: 'change.read' },
    });
    const scoped = await token({ scope: { tenants: ['acme'] } });
    await expect(read(client.watch(request, { token: scoped }))).rejects.toMatchObject({ code: 'permission_denied' });
    expect(observed).toEqual(['unauthenticated', 'permission_denied', 'permission_denied']);
  });

  it('brings a declared error behind the messages before it, and hides any other', async () => {
    stream = async function* () {
      yield* numbers(3);
      throw new FairleadError('cursor_superseded', 'start anew', { details: { valid_until: 7 } });
    };
    const seen: string[] = [];
    const reading = async () => {
      for await (const { cursor } of client.watch(request, { token: await token() })) seen.push(cursor);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'cursor_superseded', message: 'start anew', details: { valid_until: 7 } });
    expect(seen).toEqual(['1', '2', '3']);
    stream = async function* () {
      yield* numbers(1);
      throw new Error('password=hunter2');
    };
    const error = await read(client.watch(request, { token: await token() })).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'internal' });
    expect(String(error)).not.toContain('hunter2');
    expect(observed).toEqual(['cursor_superseded', 'internal']);
  });

  it.each([
    { size: 10_000, count: 1_000, ahead: 200 },
    // Sixteen that the client takes ahead, and one that waits for it here, whatever its size: the others are not made yet.
    { size: 500_000, count: 60, ahead: 22 },
  ])(
    'is held up by a slow reader, and goes on without loss: messages of $size bytes',
    async ({ size, count, ahead }) => {
      let made = 0;
      const text = 'x'.repeat(size);
      stream = async function* () {
        for (made = 1; made <= count; made++) yield await Promise.resolve(message(`${made} ${text}`));
      };
      const messages = client.watch(request, { token: await token() });
      expect((await messages.next()).value).toMatchObject({ cursor: `1 ${text}` });
      // It has come to a stand when nothing is made any more between two looks.
      let before = -1;
      await eventually(
        () => {
          const stands = made === before;
          before = made;
          return stands;
        },
        { what: 'the server to be held up', intervalMs: 300 },
      );
      expect(made).toBeLessThan(ahead);
      const rest = (await read(messages)).map((cursor) => Number(cursor.split(' ')[0]));
      expect(rest).toEqual(Array.from({ length: count - 1 }, (_, index) => index + 2));
    },
    60_000,
  );

  it('cuts a reader off who takes nothing, with the cursor to go on from', async () => {
    const other = await serve(true, 200);
    const otherClient = createRpcClient(definition, { address: other.address, token: () => 'none' });
    const text = 'x'.repeat(10_000);
    let ended = false;
    stream = async function* () {
      try {
        for (let made = 1; ; made++) yield await Promise.resolve(message(`${made} ${text}`));
      } finally {
        ended = true;
      }
    };
    const messages = otherClient.watch(request, { token: await token() });
    await messages.next();
    await eventually(() => ended, { what: 'the handler to be told', timeoutMs: 10_000 });
    const seen: string[] = [];
    const error = await (async () => {
      for await (const { cursor } of messages) seen.push(cursor.split(' ')[0] ?? '');
    })().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'overloaded', details: { cursor: seen.at(-1) } });
    expect(observed).toEqual(['overloaded']);
    otherClient.close();
    await other.close();
  }, 30_000);

  it('ends for the server when the reader leaves, gives up, or its deadline has passed', async () => {
    let ended = 0;
    stream = async function* (call) {
      yield message('1');
      yield* silence(call);
      ended += 1;
    };
    for await (const { cursor } of client.watch(request, { token: await token() })) {
      expect(cursor).toBe('1');
      break;
    }
    const aborter = new AbortController();
    const givenUp = client.watch(request, { token: await token(), signal: aborter.signal });
    await givenUp.next();
    aborter.abort();
    await expect(givenUp.next()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(read(client.watch(request, { token: await token(), deadlineMs: 100 }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await expect(read(client.watch(request, { token: await token(), signal: aborter.signal }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await eventuallyHolds(
      () => {
        expect(ended).toBe(3);
      },
      { what: 'all handlers to be told' },
    );
  });

  it('ends when the token does, and says so', async () => {
    stream = async function* (call) {
      yield message('1');
      yield* silence(call);
    };
    const messages = client.watch(request, { token: await token({ ttlSeconds: 1 }) });
    await expect(read(messages)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('ends when the server closes, and says so; one that heeds scopes takes a caller who is kept to one', async () => {
    const other = await serve(true);
    const otherClient = createRpcClient(definition, { address: other.address, token: () => 'none' });
    stream = async function* (call) {
      yield message(JSON.stringify(call.principal.scope));
      yield* silence(call);
    };
    const messages = otherClient.watch(request, { token: await token({ scope: { tenants: ['acme'] } }) });
    expect((await messages.next()).value).toEqual({ cursor: '{"tenants":["acme"]}', change: undefined });
    const closing = other.close();
    await expect(messages.next()).rejects.toMatchObject({ code: 'unavailable' });
    await closing;
    otherClient.close();
  });
});
