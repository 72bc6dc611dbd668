/** The peer: a bare Fastify app with the same routes, that does for them what anybody's app would have to do. */
import { createHash } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { pino, type DestinationStream } from 'pino';
import { z } from 'zod';
import { openPool } from '../pool.js';

export interface BareOptions {
  /** The gateway's database, for the gateway's role. */
  databaseUrl: string;
  poolSize: number;
  /** Whose access tokens are taken. */
  jwks: JSONWebKeySet;
  /** What the gateway answers to whoami, of which the app reads the bindings itself. */
  whoami: Record<string, unknown>;
  /** Bodies from memory, by path: what the gateway asks others for. */
  bodies: Record<string, string>;
}

interface UserRow {
  userId: string;
  email: string;
  disabled: boolean;
  /** A bigint, which pg hands as text. */
  revision: string;
  createdAt: Date;
  updatedAt: Date;
  held: { role: string; scope: string }[];
}

// The very statements of the gateway (its store/users.ts, store/totp.ts and store/role-bindings.ts).
const userColumns = `user_id as "userId", email, password_hash as "passwordHash", password_is_initial as "passwordIsInitial", disabled, revision,
  created_at as "createdAt", updated_at as "updatedAt",
  (select coalesce(json_agg(json_build_object('role', b.role, 'scope', b.scope, 'permissions', r.permissions)), '[]')
     from role_binding b left join role r on r.name = b.role where b.principal = 'user:' || user_id) as held`;
const oneUser = `select ${userColumns} from users where user_id = $1`;
const usersAfter = `select ${userColumns} from users where user_id > $1 order by user_id limit $2`;
const secondFactors = 'select user_id as "userId" from totp where user_id = any($1) and confirmed_at is not null';
const bindings = `select b.binding_id as "bindingId", b.role, b.scope, r.permissions
     from role_binding b left join role r on r.name = b.role where b.principal = $1 order by b.binding_id`;

const listQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .transform((value) => Math.min(Number(value), 200))
    .default(50),
  cursor: z.string().max(512).optional(),
});
const userId = z.string().regex(/^[A-Za-z0-9_:-]{1,128}$/);

/** Starts the app on a free port, with its log on stdout as the gateway's is, or elsewhere. It connects to its database at the first question. */
export async function startBare(
  options: BareOptions,
  destination: DestinationStream = pino.destination({ fd: 1, sync: false }),
): Promise<{ url: string; stop: () => Promise<void> }> {
  const app = fastify({ logger: false, bodyLimit: 1_048_576, requestTimeout: 30_000 });
  const principals = new WeakMap<FastifyRequest, JWTPayload>();
  const log = pino({ base: { service: 'bare' }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  const verify = verifierOf(options.jwks);
  app.setErrorHandler((error, _request, reply) => {
    const [status, code] =
      error instanceof z.ZodError
        ? [400, 'invalid_argument']
        : error instanceof errors.JOSEError
          ? [401, 'unauthenticated']
          : [500, 'internal'];
    return reply.code(status).send({ code });
  });
  app.addHook('onRequest', async (request, reply) => {
    const token = /^Bearer ([\w.~+/=-]{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return reply.code(401).send({ code: 'unauthenticated' });
    const principal = await verify(token);
    if (!rolesOf(principal).includes('admin')) return reply.code(403).send({ code: 'permission_denied' });
    principals.set(request, principal);
    return undefined;
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id, ip } = request;
    const [route, status, duration] = [request.routeOptions.url, reply.statusCode, Math.round(reply.elapsedTime * 10) / 10];
    log.info(
      { method, route, status, duration_ms: duration, address: ip, request_id: id, principal: principals.get(request)?.sub },
      'request',
    );
    done();
  });
  serveUsers(app, options, (request) => principals.get(request)?.sub ?? '');
  for (const [path, body] of Object.entries(options.bodies))
    app.get(path, (request, reply) => {
      listQuery.parse(request.query);
      return reply.type('application/json; charset=utf-8').send(body);
    });
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), stop: () => app.close() };
}

function serveUsers(
  app: FastifyInstance,
  { databaseUrl, poolSize, whoami }: BareOptions,
  callerOf: (request: FastifyRequest) => string,
): void {
  const pool = openPool(databaseUrl, poolSize);
  const withTotp = async (ids: string[]) => {
    const { rows } = await pool.query<{ userId: string }>(secondFactors, [ids]);
    return new Set(rows.map((row) => row.userId));
  };
  app.get('/admin/v1/auth/whoami', async (request) => {
    const { rows } = await pool.query<{ bindingId: string; role: string; scope: string }>(bindings, [callerOf(request)]);
    return { ...whoami, bindings: rows.map(({ bindingId, role, scope }) => ({ binding_id: bindingId, role, scope })) };
  });
  app.addHook('onClose', () => pool.end());
  app.get('/admin/v1/users/:id', async (request, reply) => {
    const id = userId.parse((request.params as { id?: unknown }).id);
    const [user] = (await pool.query<UserRow>(oneUser, [id])).rows;
    if (user === undefined) return reply.code(404).send({ code: 'not_found' });
    return viewOf(user, (await withTotp([id])).has(id));
  });
  app.get('/admin/v1/users', async (request) => {
    const { limit, cursor } = listQuery.parse(request.query);
    const { rows } = await pool.query<UserRow>(usersAfter, [cursor ?? '', limit + 1]);
    const page = rows.slice(0, limit);
    const active = await withTotp(page.map((user) => user.userId));
    const items = page.map((user) => viewOf(user, active.has(user.userId)));
    return { items, next_cursor: rows.length > limit ? Buffer.from(`users ${page.at(-1)?.userId ?? ''}`).toString('base64url') : null };
  });
}

function viewOf({ userId: id, email, disabled, revision, createdAt, updatedAt, held }: UserRow, totp: boolean) {
  const roles = held.flatMap(({ role, scope }) => (scope === '/' ? [role] : [])).sort();
  const times = { created_at: createdAt.toISOString(), updated_at: updatedAt.toISOString() };
  return { user_id: id, email, roles, disabled, revision: Number(revision), totp, ...times };
}

const rolesOf = ({ roles }: JWTPayload): unknown[] => (Array.isArray(roles) ? roles : []);

/** Tokens that were verified are known by their hash until they end, as the gateway knows them. */
function verifierOf(jwks: JSONWebKeySet): (token: string) => Promise<JWTPayload> {
  const keys = createLocalJWKSet(jwks);
  const known = new Map<string, JWTPayload>();
  return async (token) => {
    const hash = createHash('sha256').update(token).digest('base64');
    const cached = known.get(hash);
    if (cached?.exp !== undefined && cached.exp * 1_000 > Date.now()) return cached;
    const { payload } = await jwtVerify(token, keys, { algorithms: ['EdDSA'], typ: 'JWT', audience: 'fairlead', clockTolerance: 5 });
    known.set(hash, payload);
    return payload;
  };
}
