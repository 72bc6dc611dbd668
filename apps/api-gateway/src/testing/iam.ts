import type { AddressInfo } from 'node:net';
import fastify from 'fastify';

/** One request that the IAM got. */
export interface IamCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** For specs: a small IAM over HTTP with a store of its own. */
export interface TestIam {
  readonly url: string;
  readonly token: string;
  readonly calls: IamCall[];
  /** What the next requests meet instead of an answer. */
  mood: 'well' | 'slow' | 'half' | 'broken' | 'not-json' | 'other-form' | 'redirect' | 'html' | 'tells-the-password' | 'unknown-to-it';
  stop(): Promise<void>;
}

interface IamUser {
  user_id: string;
  email: string;
  roles: string[];
  disabled: boolean;
  revision: number;
  totp: boolean;
  created_at: string;
  updated_at: string;
}

/** Starts an IAM that knows these people by their ids. */
export async function startIam(ids: readonly string[] = []): Promise<TestIam> {
  const token = 'the-credential-of-the-gateway-only';
  const users = new Map<string, IamUser>();
  const done = new Map<string, IamUser>();
  const make = (id: string, email: string, roles: string[]) => {
    const now = new Date().toISOString();
    const user = { user_id: id, email, roles, disabled: false, revision: 1, totp: false, created_at: now, updated_at: now };
    users.set(id, user);
    return user;
  };
  for (const id of ids) make(id, `${id}@corp.test`, []);
  const calls: IamCall[] = [];
  const iam: Pick<TestIam, 'mood'> = { mood: 'well' };
  const app = fastify({ forceCloseConnections: true });
  const problem = (status: number, detail: string) => Object.assign(new Error(detail), { statusCode: status, detail });
  app.setErrorHandler((error: Error & { statusCode?: number; detail?: string }, _request, reply) =>
    reply
      .status(error.statusCode ?? 500)
      .type('application/problem+json')
      .send({ detail: error.detail ?? 'oops' }),
  );
  app.addHook('preHandler', async (request, reply) => {
    calls.push({ method: request.method, path: request.url, headers: request.headers, body: request.body });
    if (request.headers.authorization !== `Bearer ${token}` || iam.mood === 'unknown-to-it') throw problem(401, 'who are you?');
    if (iam.mood === 'slow') await new Promise<void>((resolve) => request.raw.socket.once('close', resolve));
    if (iam.mood === 'half') {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      reply.raw.write('{"user_id":"', () => request.raw.socket.destroy());
    }
    if (iam.mood === 'broken') return reply.status(500).type('text/plain').send('the store\nis gone');
    if (iam.mood === 'not-json') return reply.type('application/json').send('{"user_id":');
    if (iam.mood === 'other-form') return reply.send({ user_id: 7, items: 'none' });
    if (iam.mood === 'redirect') return reply.redirect('http://127.0.0.1:9/');
    if (iam.mood === 'html') return reply.status(503).type('text/html').send('<h1>Maintenance</h1>');
    if (iam.mood === 'tells-the-password')
      throw problem(422, `the password ${(request.body as { password: string }).password} is too weak`);
    return undefined;
  });
  app.get<{ Querystring: { limit?: string } }>('/iam/users', ({ query }) => ({
    items: [...users.values()].slice(0, Number(query.limit ?? 50)),
    next_cursor: null,
  }));
  app.post<{ Body: { email: string; roles: string[] } }>('/iam/users', ({ body, headers }, reply) => {
    const key = String(headers['idempotency-key']);
    const earlier = done.get(key);
    if (earlier !== undefined) return reply.status(201).send(earlier);
    if ([...users.values()].some(({ email }) => email === body.email)) throw problem(409, `There is a user ${body.email} already`);
    const user = make(`p-${String(users.size + 1)}`, body.email, body.roles);
    done.set(key, user);
    return reply.status(201).header('etag', '"1"').send(user);
  });
  const find = (id: string) => {
    const user = users.get(id);
    if (user === undefined) throw problem(404, `Nobody is called ${id}`);
    return user;
  };
  app.get<{ Params: { id: string } }>('/iam/users/:id', ({ params }) => find(params.id));
  app.patch<{ Params: { id: string }; Body: Partial<IamUser> }>('/iam/users/:id', ({ params, body, headers }, reply) => {
    const user = find(params.id);
    if (headers['if-match'] !== '*' && headers['if-match'] !== `"${String(user.revision)}"`) throw problem(412, 'It has changed since');
    Object.assign(user, body, { revision: user.revision + 1 });
    return reply.header('etag', `"${String(user.revision)}"`).send(user);
  });
  app.get('/iam/auth/sessions', () => ({ items: [], next_cursor: null }));
  app.get('/iam/roles', () => ({ items: [], next_cursor: null }));
  app.delete('/iam/role-bindings/:id', (_request, reply) => reply.status(204).send());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return Object.assign(iam, { url: `http://127.0.0.1:${String(port)}/iam`, token, calls, stop: () => app.close() });
}
