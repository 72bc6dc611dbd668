import { createHash } from 'node:crypto';
import { Problem, type HttpAnswer, type HttpRequest, type Route } from '../http/server.js';

type Body = Readonly<Record<string, unknown>>;
type Handle = (request: HttpRequest) => Promise<HttpAnswer>;

/** A request on its way to a member that breaks a rule with it. */
interface Passing {
  readonly request: HttpRequest;
  /** What is asked for: the last fixed part of the path, `status` for a tenant's. */
  readonly op: string;
  readonly body: Body;
  /** The route's own answer, to this body or another. */
  readonly next: (body?: Body) => Promise<HttpAnswer>;
  /** Another command for the same tenant. */
  readonly also: (op: string, body: Body) => Promise<HttpAnswer>;
  readonly memory: Memory;
}

/** What was seen since the member's start. */
interface Memory {
  authorization: string | undefined;
  fence: number;
  count: number;
  /** By tenant, operation and key: the how manieth command it was, and its answer. */
  readonly keys: Map<string, { readonly count: number; readonly answer: HttpAnswer }>;
}

type Break = (passing: Passing) => Promise<HttpAnswer>;

const forgottenAfter = 100;
const adminOps = ['drain', 'resume', 'export', 'import', 'drop'];

/** How a member breaks a rule of docs/fleet-contract.md: which requests it concerns, and what comes of them. */
const breaks = {
  S1: on(['reload', 'status'], renamed),
  S2: on(['health', 'ready'], (passing) => changed(passing, () => ({}))),
  S3: on(['metrics'], (passing) => retold(passing, (text) => text.replaceAll('_build_info', '_build'))),
  S4: on(['metrics'], (passing) => retold(passing, (text) => text.replace(/^(\w+_lag) .*$/m, '$1 -1'))),
  S5: on(['reload', ...adminOps], (passing) => instead(passing, 'unauthenticated', () => passing.next())),
  S6: on(['reload'], (passing) => changed(passing, ({ revision: _revision, ...rest }) => rest)),
  S7: on(['no-such-path', 'reload', 'status', ...adminOps], ({ next }) =>
    next().catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      return { status: error.status, body: { error: error.message } };
    }),
  ),
  T1: on(['status'], async (passing) => {
    const answer = await passing.next();
    if (bodyOf(answer)['state'] === 'absent') throw new Problem(404, 'tenant_unknown', 'the shard does not know the tenant');
    return answer;
  }),
  T2: on(['drop'], (passing) => changed(passing, (body) => ({ ...body, state: 'sealed' }))),
  T3: on(['status'], (passing) => changed(passing, (body) => (body['state'] === 'drained' ? { ...body, inflight: 1 } : body))),
  T6: on(['resume'], (passing) => changed(passing, (body) => ({ ...body, last_seq: Number(body['last_seq']) + 1 }))),
  T8: on(['state'], (passing) => changed(passing, () => ({}))),
  F1: on(adminOps, ({ body, next, memory }) => {
    const { idempotency_key: key, fence } = body;
    const isKey = typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key);
    const isFence = Number.isSafeInteger(fence) && Number(fence) >= 0;
    return next({ ...body, idempotency_key: isKey ? key : 'made-up', fence: isFence ? fence : memory.fence });
  }),
  F2: on(adminOps, (passing) => instead(passing, 'stale_fence', () => passing.next({ ...passing.body, fence: passing.memory.fence }))),
  F3: on(adminOps, (passing) =>
    instead(passing, 'stale_fence', (problem) => {
      if (!passing.memory.keys.has(keyOf(passing))) throw problem;
      return passing.next({ ...passing.body, fence: passing.memory.fence });
    }),
  ),
  F4: on(adminOps, ({ body, next, memory }) => next({ ...body, idempotency_key: `${String(memory.count)}-new` })),
  F5: on(adminOps, (passing) =>
    instead(passing, 'idempotency_key_reused', () =>
      passing.next({ ...passing.body, idempotency_key: `${String(passing.memory.count)}-new` }),
    ),
  ),
  F6: on(['export'], ({ body, next, also }) =>
    next().catch(async (error: unknown) => {
      await also('resume', { idempotency_key: 'a-trace', fence: body['fence'] });
      throw error;
    }),
  ),
  F7: on(adminOps, (passing) => {
    const { body, next, memory } = passing;
    const known = memory.keys.get(keyOf(passing));
    const isForgotten = known !== undefined && memory.count - known.count > forgottenAfter;
    return next(isForgotten ? { ...body, idempotency_key: `${String(memory.count)}-new` } : body);
  }),
  H1: on(['export'], (passing) => changed(passing, (body) => ({ ...body, sha256: String(body['sha256']).toUpperCase() }))),
  H2: on(['export'], (passing) =>
    changed(passing, (body) => {
      const copy = JSON.parse(String(body['data'])) as { last_seq: number };
      const data = JSON.stringify({ ...copy, last_seq: Math.max(0, copy.last_seq - 1) });
      return { ...body, data, sha256: checksum(data) };
    }),
  ),
  H3: on(['import'], ({ body, next }) => next({ ...body, sha256: checksum(String(body['data'])) })),
  H4: on(['import'], async ({ body, next, also, memory }) => {
    const answer = await next();
    await also('resume', { idempotency_key: `${String(memory.count)}-new`, fence: body['fence'] });
    return answer;
  }),
  H5: on(['export', 'import'], (passing) =>
    instead(passing, 'tenant_state', (problem) => {
      const known = passing.memory.keys.get(keyOf(passing));
      if (known === undefined) throw problem;
      return Promise.resolve(known.answer);
    }),
  ),
  H6: on(['drop'], ({ body, next }) => next({ ...body, moved_revision: 0 })),
  H8: on(['import', 'status'], (passing) => changed(passing, (body) => (body['state'] === 'imported' ? shortened(body) : body))),
  C1: on(['commands'], ({ body }) => Promise.resolve(acknowledged(body))),
  C2: on(['commands'], (passing) => instead(passing, 'tenant_draining', () => Promise.resolve(acknowledged(passing.body)))),
  C3: on(['commands'], (passing) =>
    instead(passing, 'tenant_moved', (problem) => {
      throw new Problem(problem.status, problem.code, problem.message);
    }),
  ),
  C4: on(['commands'], (passing) =>
    instead(passing, 'tenant_unknown', () => {
      throw new Problem(503, 'unavailable', 'ask again');
    }),
  ),
  C5: on(['commands'], (passing) => instead(passing, 'command_gap', () => Promise.resolve(acknowledged(passing.body)))),
  G1: on(['state'], (passing) => changed(passing, ({ epoch: _epoch, ...rest }) => rest)),
  G7: on(['state'], (passing) => changed(passing, (body) => ({ ...body, config: { 'routing/platform/default': { revision: 1 } } }))),
  G8: on(['resolve'], () => Promise.resolve({ status: 200, body: {} })),
  D2: on(['state'], (passing) => changed(passing, (body) => ({ ...body, config: { 'runner-activation/platform/default': {} } }))),
  D3: on(['definitions'], (passing) => changed(passing, () => ({ definitions: [] }))),
} satisfies Record<string, { ops: readonly string[]; run: Break }>;

/** A rule that a member can be told to break. */
export type BreakableRule = keyof typeof breaks;
export const breakableRules = Object.keys(breaks) as [BreakableRule, ...BreakableRule[]];

/** Routes of a member that breaks the rules that `broken` names at the moment. */
export function breaking(routes: readonly Route[], broken: () => readonly BreakableRule[]): Route[] {
  const memory: Memory = { authorization: undefined, fence: 0, count: 0, keys: new Map() };
  const handleOf = (op: string): Handle => {
    const route = routes.find((one) => one.method === 'POST' && opOf(one) === op);
    return async (request) => {
      if (route === undefined) throw new Problem(404, 'not_found', 'there is no such path');
      return route.handle(request);
    };
  };
  return routes.map((route) => ({
    ...route,
    handle(request) {
      const op = opOf(route);
      const active = broken()
        .map((rule) => breaks[rule])
        .filter(({ ops }) => ops.includes(op));
      if (active.length === 0) return route.handle(request);
      return through({ route, op, request, active, memory, handleOf });
    },
  }));
}

async function through(given: {
  route: Route;
  op: string;
  request: HttpRequest;
  active: readonly { run: Break }[];
  memory: Memory;
  handleOf: (op: string) => Handle;
}): Promise<HttpAnswer> {
  const { route, op, request, active, memory, handleOf } = given;
  memory.count += 1;
  const withBody = (body: Body): HttpRequest => ({
    ...request,
    body,
    headers: { ...request.headers, ...(memory.authorization === undefined ? {} : { authorization: memory.authorization }) },
  });
  const body = (request.body ?? {}) as Body;
  let isFirst = true;
  const own = async (sent: Body): Promise<HttpAnswer> => {
    // What is asked as it came carries its own token; what is made of it, one that was good.
    const answer = await route.handle(isFirst ? { ...request, body: route.method === 'POST' ? sent : request.body } : withBody(sent));
    memory.authorization ??= request.headers.authorization;
    memory.fence = Math.max(memory.fence, Number(bodyOf(answer)['fence'] ?? 0));
    return answer;
  };
  const run = active.reduce<(sent: Body) => Promise<HttpAnswer>>(
    (inner, { run: break_ }) =>
      (sent) =>
        break_({
          request,
          op,
          body: sent,
          memory,
          next: async (other = sent) => {
            try {
              return await inner(other);
            } finally {
              isFirst = false;
            }
          },
          also: (another, its) => handleOf(another)(withBody(its)),
        }),
    own,
  );
  const answer = await run(body);
  const key = keyOf({ op, body, request });
  if (answer.status === 200 && !memory.keys.has(key)) memory.keys.set(key, { count: memory.count, answer });
  return answer;
}

function on(ops: readonly string[], run: Break): { ops: readonly string[]; run: Break } {
  return { ops, run };
}

/** The answer with another body. */
async function changed({ next }: Passing, change: (body: Body) => Body): Promise<HttpAnswer> {
  const answer = await next();
  return { ...answer, body: change(bodyOf(answer)) };
}

/** The answer with another text. */
async function retold({ next }: Passing, change: (text: string) => string): Promise<HttpAnswer> {
  const answer = await next();
  return { ...answer, body: typeof answer.body === 'string' ? change(answer.body) : answer.body };
}

/** As if the last entry had been lost on its way in. */
function shortened(body: Body): Body {
  const { entries } = body['copy'] as { entries: number };
  return { ...body, copy: { sha256: checksum('what came in'), entries: Math.max(0, entries - 1) } };
}

function renamed(passing: Passing): Promise<HttpAnswer> {
  const camel = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return changed(passing, (body) => Object.fromEntries(Object.entries(body).map(([name, value]) => [camel(name), value])));
}

/** Something else where the route refuses with a code. */
function instead({ next }: Passing, code: string, answer: (problem: Problem) => Promise<HttpAnswer>): Promise<HttpAnswer> {
  return next().catch((error: unknown) => {
    if (error instanceof Problem && error.code === code) return answer(error);
    throw error;
  });
}

function opOf({ method, path }: Route): string {
  const last = path.split('/').at(-1) ?? '';
  return method === 'GET' && last.startsWith(':') ? 'status' : last;
}

const acknowledged = (body: Body): HttpAnswer => ({ status: 200, body: { seq: body['seq'], repeated: false } });
const bodyOf = ({ body }: HttpAnswer): Body => (typeof body === 'string' ? {} : (body as Body));
const keyOf = ({ op, body, request }: Pick<Passing, 'op' | 'body' | 'request'>) =>
  `${request.params['tenant'] ?? ''} ${op} ${String(body['idempotency_key'])}`;
const checksum = (text: string) => createHash('sha256').update(text).digest('hex');
