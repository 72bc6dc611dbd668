import { expectAnswer, expectProblem, expectTrue, isCount, shown } from '../expect.js';
import { Broken, NotChecked } from '../broken.js';
import type { Bench, Rule } from '../rule.js';
import type { Answer } from '../service.js';

/** S: what every service does. */
export const everyServiceRules: readonly Rule[] = [
  { id: 'S1', mandatory: true, of: 'every', title: 'JSON in snake_case, whole numbers, unknown members ignored', check: json },
  { id: 'S2', mandatory: true, of: 'every', title: 'GET /health and /ready within a second, without a token', check: probes },
  { id: 'S3', mandatory: true, of: 'every', title: 'GET /metrics with build info, inflight and lag', check: metrics },
  { id: 'S4', mandatory: true, of: 'every', title: 'inflight and lag are counts', check: figures },
  { id: 'S5', mandatory: true, of: 'every', title: 'POST /admin/… needs the fleet token', check: token },
  { id: 'S6', mandatory: true, of: 'every', title: 'reload answers epoch and revision, as often as it is sent', check: reload },
  { id: 'S7', mandatory: true, of: 'every', title: 'errors are problem documents with a stable code', check: problems },
  { id: 'S8', mandatory: false, of: 'every', title: 'log lines carry the ids that came', unseen: "its log can't be seen from outside" },
];

const reloadPath = '/admin/reload';
const probeMs = 1_000;
const probeTries = 3;

async function json({ kind, service, tenant }: Bench): Promise<void> {
  const reloaded = await service.post(reloadPath, { ...tenant.stamp(), of_a_later_version: { of: ['the', 'contract'] } });
  expectAnswer('reload with an unknown member', reloaded, { status: 200 });
  const asked = kind === 'gateway' ? '/admin/state' : `/admin/tenants/${tenant.id}`;
  for (const [what, answer] of [['reload', reloaded] as const, [`GET ${asked}`, await service.get(asked)] as const]) {
    expectTrue(answer.contentType.startsWith('application/json'), `application/json for ${what}`, `${answer.contentType} ${shown(answer)}`);
    const odd = Object.entries(answer.body).find(
      ([name, value]) => !/^[a-z][a-z0-9_]*$/.test(name) || (typeof value === 'number' && !Number.isSafeInteger(value)),
    );
    expectTrue(odd === undefined, `members in snake_case and whole numbers for ${what}`, shown(answer));
  }
}

async function probes({ service }: Bench): Promise<void> {
  for (const path of ['/health', '/ready']) {
    let answer = await service.get(path);
    // One that is late once may have had to wait for the network.
    for (let tries = 1; tries < probeTries && answer.tookMs > probeMs; tries++) answer = await service.get(path);
    expectTrue([200, 503].includes(answer.status), `200 or 503 for GET ${path}`, shown(answer));
    expectTrue(typeof answer.body['status'] === 'string', `{"status": "…"} for GET ${path}`, shown(answer));
    expectTrue(answer.tookMs <= probeMs, `an answer to GET ${path} within a second`, `${String(Math.round(answer.tookMs))} ms`);
    if (answer.status === 503) throw new NotChecked(`GET ${path} says that the service is not well: ${shown(answer)}`);
  }
}

/** The service's figures, by the part of the name behind the service's. */
async function readMetrics({ service }: Bench): Promise<{ inflight: string; lag: string }> {
  const answer = expectAnswer('GET /metrics', await service.get('/metrics'), { status: 200 });
  const build = /^(\w+)_build_info\{([^}]*)\} 1(?:\.0)?$/m.exec(answer.text);
  if (build === null) throw new Broken('<service>_build_info{…} 1 in GET /metrics', shown(answer));
  const [, name = '', labels = ''] = build;
  const labelOf = (label: string) => new RegExp(`(?:^|,)\\s*${label}="([^"]*)"`).exec(labels)?.[1];
  expectTrue(
    labelOf('service')?.replaceAll('-', '_') === name && labelOf('version') !== undefined && labelOf('git_sha') !== undefined,
    `${name}_build_info with service, version and git_sha`,
    build[0],
  );
  const valueOf = (figure: string) => {
    const found = new RegExp(`^${name}_${figure}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(answer.text)?.[1];
    if (found === undefined) throw new Broken(`${name}_${figure} in GET /metrics`, 'no such figure');
    return found;
  };
  return { inflight: valueOf('inflight'), lag: valueOf('lag') };
}

async function metrics(bench: Bench): Promise<void> {
  await readMetrics(bench);
}

async function figures(bench: Bench): Promise<void> {
  const told = await readMetrics(bench).catch((error: unknown) => {
    throw new NotChecked(`there are no figures (S3): ${error instanceof Error ? error.message : ''}`);
  });
  for (const [name, value] of Object.entries(told)) expectTrue(isCount(Number(value)), `a count as ${name}`, value);
}

async function token({ kind, service, tenant }: Bench): Promise<void> {
  const posts: [path: string, body: object][] = [[reloadPath, tenant.stamp()]];
  if (kind !== 'gateway') {
    for (const op of ['drain', 'resume', 'export'] as const) posts.push([`/admin/tenants/${tenant.id}/${op}`, tenant.stamp()]);
    posts.push([`/admin/tenants/${tenant.id}/drop`, { ...tenant.stamp(), moved_revision: 0 }]);
  }
  const before = kind === 'gateway' ? undefined : await tenant.status();
  for (const [path, body] of posts) {
    for (const authorization of [null, 'Bearer not-the-fleet-token', 'Bearer']) {
      const with_ = authorization === null ? 'without a token' : `with "${authorization}"`;
      expectProblem(`POST ${path} ${with_}`, await service.post(path, body, { authorization }), 401, 'unauthenticated');
    }
  }
  if (before === undefined) return;
  const after = await tenant.status();
  expectTrue(
    after.state === before.state && after.fence === before.fence,
    'no effect of commands without the token',
    JSON.stringify(after),
  );
}

async function reload({ service, tenant }: Bench): Promise<void> {
  const body = tenant.stamp();
  for (const sent of [body, body, { ...body, fence: 0 }]) expectVersion('reload', await service.post(reloadPath, sent));
}

/** Throws Broken unless an answer tells the version of a placement. */
export function expectVersion(asked: string, answer: Answer): void {
  expectAnswer(asked, answer, { status: 200 });
  expectTrue(
    isCount(answer.body['epoch']) && isCount(answer.body['revision']),
    `epoch and revision, both counts, for ${asked}`,
    shown(answer),
  );
}

async function problems({ kind, service, tenant }: Bench): Promise<void> {
  expectProblem('GET of a path that is none', await service.get('/admin/no-such-path'), 404, 'not_found');
  expectProblem('reload with a body that is not JSON', await service.post(reloadPath, '{"idempotency_key":'), 400, 'invalid_argument');
  expectProblem('reload without a fence', await service.post(reloadPath, { idempotency_key: 'conformance' }), 400, 'invalid_argument');
  if (kind === 'gateway') return;
  expectProblem('GET of a tenant id that is none', await service.get('/admin/tenants/Not_A_Tenant'), 400, 'invalid_argument');
  const drain = await service.post('/admin/tenants/Not_A_Tenant/drain', tenant.stamp());
  expectProblem('drain of a tenant id that is none', drain, 400, 'invalid_argument');
}
