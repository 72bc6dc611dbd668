import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const event = (position: number, payload: object = { n: position }) => ({
  position,
  recorded_at: '2026-11-01T10:00:00.000Z',
  aggregate_type: 'job',
  aggregate_id: 'job_1',
  version: 3,
  type: 'job_started',
  schema_version: 1,
  payload,
  meta: { principal: 'user:usr_1', request_id: 'req_1', reason: 'make\u001b[2J room' },
});

describe('log show', () => {
  const path = '/admin/v1/log/events';

  it('lists with every filter, through pages that hold nothing', async () => {
    gateway.on(`GET ${path}`, ({ query }) => {
      const cursor = query.get('cursor');
      if (cursor === null) return { body: { items: [event(9)], next_cursor: 'a', head: 9 } };
      return { body: cursor === 'a' ? { items: [], next_cursor: 'b', head: 9 } : { items: [event(2)], next_cursor: null, head: 9 } };
    });
    const filters =
      '--from 2 --to 9 --oldest --type job.* --aggregate job:job_1 --tenant acme --principal user:usr_1 --request r --correlation c --trace t --job job_1';
    const { out, exitCode } = await run(['log', 'show', ...filters.split(' ')]);
    expect([exitCode, out.split('\n').length]).toEqual([exitCodes.ok, 4]);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({
      ...{ order: 'oldest', from: '2', to: '9', type: 'job.*', aggregate: 'job:job_1', tenant: 'acme', principal: 'user:usr_1' },
      ...{ request_id: 'r', correlation_id: 'c', trace_id: 't', job_id: 'job_1', limit: '100' },
    });
    expect(gateway.seen).toHaveLength(3);
    const json = await run(['log', 'show', '--limit', '1', '-o', 'json']);
    expect(JSON.parse(json.out)).toEqual({ items: [event(9)], next_cursor: 'a', head: 9 });
  });

  it.each([[null], [[]], ['text'], [5], [{ principal: { id: 7 }, 'odd\u001b[2J name': [1] }]])(
    'shows what is stored, also where meta and payload are %j',
    async (odd) => {
      const stored = { ...event(17), meta: odd, payload: odd, previous_position: null, next_position: null };
      gateway.on(`GET ${path}`, { body: { items: [stored], next_cursor: null, head: 17 } });
      gateway.on(`GET ${path}/17`, { body: stored });
      for (const args of [
        ['log', 'show'],
        ['log', 'show', '17'],
      ]) {
        const { out, err, exitCode } = await run(args);
        expect([exitCode, err]).toEqual([exitCodes.ok, '']);
        expect(out).toContain('job:job_1');
        expect(out).not.toContain('\u001b');
        expect(JSON.parse((await run([...args, '-o', 'json'])).out)).toMatchObject(args.length === 3 ? stored : { items: [stored] });
      }
    },
  );

  it('shows one in full', async () => {
    gateway.on(`GET ${path}/17`, {
      body: { ...event(17, { deep: [{ text: 'x'.repeat(200) }] }), previous_position: 9, next_position: null },
    });
    const { out } = await run(['log', 'show', '17']);
    expect(out).toContain('x'.repeat(200));
    expect(out).toContain('request id');
    expect(out).not.toContain('\u001b');
    gateway.on(`GET ${path}/18`, problem(404, 'not_found', 'The log holds no event at position 18'));
    expect((await run(['log', 'show', '18'])).exitCode).toBe(exitCodes.notFound);
  });

  it.each([[['0']], [['x']], [['--from', '-1']], [['17', '--type', 'job.*']], [['17', '--limit', '5']]])(
    '%j is wrong usage',
    async (args) => {
      expect((await run(['log', 'show', ...args])).exitCode).toBe(exitCodes.usage);
      expect(gateway.seen).toEqual([]);
    },
  );
});

describe('log verify', () => {
  const path = '/admin/v1/log/verify';
  const checked = (from: number, to: number, next: number | null, findings: object[] = []) => ({
    body: { from, to, head: 40, next, findings, stream_compared: to - from + 1, stream_problem: null },
  });

  it('goes from range to range to the end, telling how far it is', async () => {
    gateway.on(`POST ${path}`, ({ body }) => (body['from'] === 1 ? checked(1, 20, 21) : checked(21, 40, null)));
    const { out, err, exitCode } = await run(['log', 'verify']);
    expect([exitCode, out, err]).toEqual([
      exitCodes.ok,
      'positions 1 to 40 are checked, 40 of them against the event stream: all is well\n',
      'checked up to 20 of 40, 0 findings\n',
    ]);
    expect(gateway.seen.map(({ body }) => body)).toEqual([{ from: 1 }, { from: 21 }]);
  });

  it('tells as JSON too that all is well, and of a log that is empty', async () => {
    gateway.on(`POST ${path}`, checked(1, 40, null));
    const { out, exitCode } = await run(['log', 'verify', '-o', 'json']);
    expect([exitCode, JSON.parse(out)]).toMatchObject([exitCodes.ok, { from: 1, to: 40, fully_checked: true, findings: [] }]);
    gateway.on(`POST ${path}`, checked(1, 0, null));
    expect((await run(['log', 'verify'])).out).toBe('there is nothing to check\n');
  });

  it('fails with findings, each with what to do, also as JSON', async () => {
    const finding = { position: 25, kind: 'event_missing', message: 'position 25 is missing', advice: 'restore a backup' };
    gateway.on(`POST ${path}`, ({ body }) =>
      body['from'] === 5 ? checked(5, 20, 21) : checked(21, 30, null, [finding, { ...finding, position: null }]),
    );
    const { out, err, exitCode } = await run(['log', 'verify', '--from', '5', '--to', '30']);
    expect(exitCode).toBe(exitCodes.failed);
    expect(out).toContain('position 25  event_missing  position 25 is missing\n  restore a backup\n');
    expect(err).toContain('the log has 2 findings');
    expect(gateway.seen.map(({ body }) => body)).toEqual([
      { from: 5, to: 30 },
      { from: 21, to: 30 },
    ]);
    const json = await run(['log', 'verify', '--from', '21', '--to', '30', '-o', 'json']);
    expect(json.exitCode).toBe(exitCodes.failed);
    expect(JSON.parse(json.out)).toEqual({
      ...{ from: 21, to: 30, fully_checked: true, findings: [finding, { ...finding, position: null }] },
      ...{ stream_compared: 10, stream_problem: null },
    });
  });

  it('fails when the stream was not looked at, with what could be said, and does not turn in circles', async () => {
    gateway.on(`POST ${path}`, { body: { ...checked(1, 40, null).body, stream_compared: 3, stream_problem: 'NATS is not connected' } });
    const { out, err, exitCode } = await run(['log', 'verify']);
    expect([exitCode, out, err]).toEqual([
      exitCodes.failed,
      'positions 1 to 40 are checked, 3 of them against the event stream: not fully checked\n',
      'error: the log is not fully checked: the event stream was not compared: NATS is not connected\n',
    ]);
    const json = await run(['log', 'verify', '-o', 'json']);
    expect([json.exitCode, JSON.parse(json.out)]).toMatchObject([
      exitCodes.failed,
      { fully_checked: false, findings: [], stream_problem: 'NATS is not connected' },
    ]);
    gateway.on(`POST ${path}`, checked(1, 20, 1));
    expect((await run(['log', 'verify'])).exitCode).toBe(exitCodes.failed);
  });
});

describe('projection', () => {
  const path = '/admin/v1/projections';
  const epoch = (more: object = {}) => ({
    epoch: 1,
    serving: true,
    version: 1,
    position: 16,
    parts: 1,
    stopped: null,
    rebuild: null,
    ...more,
  });
  const projection = (more: object = {}) => ({
    ...{ name: 'audit_record', owner: 'audit', state: 'running', paused: false, rebuild_requested: false },
    ...{ position: 16, lag: 24, lag_seconds: 3, updated_at: '2026-11-01T10:00:00.000Z', epochs: [epoch()] },
    ...more,
  });
  const filling = epoch({
    ...{ epoch: 2, serving: false, position: 10 },
    rebuild: { from: 0, head: 40, events_per_second: 10, started_at: '2026-11-01T09:59:00.000Z' },
  });

  it('lists, and shows one with what to do when it is stopped', async () => {
    const stopped = projection({
      state: 'stopped',
      epochs: [epoch({ stopped: { position: 17, reason: 'poi\u001bson', part: 0 } }), filling],
    });
    gateway.on(`GET ${path}`, { body: { items: [projection(), stopped], next_cursor: null } });
    gateway.on(`GET ${path}/audit_record`, { body: stopped });
    expect((await run(['projection', 'list'])).out.split('\n')).toHaveLength(4);
    const { out } = await run(['projection', 'show', 'audit_record']);
    expect(out).toContain('fairlead projection skip audit_record --position 17');
    expect(out).toContain('epoch 2 is at 10 of 40, 25 %, 10 events/s, 3 s to go, begun 60 s ago');
    expect(out).not.toContain('\u001b');
  });

  it.each([
    ['pause', [], {}],
    ['resume', [], {}],
    ['rebuild', [], {}],
    ['rebuild', ['--cancel'], {}],
    ['skip', ['--position', '17', '--yes'], { position: 17 }],
    ['skip', ['--position', '17', '--epoch', '2', '--yes'], { position: 17, epoch: 2 }],
  ])('%s %j is decided for a reason', async (way, more, body) => {
    const route = `POST ${path}/audit_record/${more.includes('--cancel') ? 'cancel-rebuild' : way}`;
    gateway.on(`GET ${path}/audit_record`, { body: projection() });
    gateway.on(route, { body: projection() });
    expect((await run(['projection', way, 'audit_record', ...more])).exitCode).toBe(exitCodes.usage);
    expect(gateway.of(route)).toEqual([]);
    const { exitCode, out } = await run(['projection', way, 'audit_record', ...more, '--reason', 'why']);
    expect([exitCode, out]).toEqual([exitCodes.ok, expect.stringContaining('audit_record')]);
    expect(gateway.of(route).map((seen) => seen.body)).toEqual([{ ...body, reason: 'why' }]);
    gateway.on(route, problem(409, 'projection_state', 'not now'));
    expect((await run(['projection', way, 'audit_record', ...more, '--reason', 'why'])).exitCode).toBe(exitCodes.conflict);
  });

  it('skip asks a person who has seen the event', async () => {
    gateway.on('GET /admin/v1/log/events/17', { body: { ...event(17), previous_position: null, next_position: null } });
    gateway.on(`POST ${path}/audit_record/skip`, { body: projection() });
    const command = ['projection', 'skip', 'audit_record', '--position', '17', '--reason', 'why'];
    const refused = await run(command, { answers: ['n'] });
    expect(refused).toMatchObject({ exitCode: exitCodes.failed, err: expect.stringContaining('job.job_started') });
    expect(gateway.of(`POST ${path}/audit_record/skip`)).toEqual([]);
    expect((await run(command, { answers: ['y'] })).exitCode).toBe(exitCodes.ok);
  });

  it('rebuild --wait shows how far it is and ends at the swap', async () => {
    const states = [projection(), projection({ rebuild_requested: true }), projection({ epochs: [epoch(), filling] })];
    gateway.on(`GET ${path}/audit_record`, () => ({ body: states.shift() ?? projection({ epochs: [epoch({ epoch: 2 })] }) }));
    gateway.on(`POST ${path}/audit_record/rebuild`, { status: 202, body: projection({ rebuild_requested: true }) });
    const { out, err, exitCode } = await run(['projection', 'rebuild', 'audit_record', '--reason', 'why', '--wait']);
    expect([exitCode, out]).toEqual([exitCodes.ok, 'projection audit_record serves epoch 2 now\n']);
    expect(err).toBe('waiting for a worker to begin\nepoch 2 is at 10 of 40, 25 %, 10 events/s, 3 s to go\n');
  });

  it.each([
    ['was given up', {}, exitCodes.failed],
    ['is paused', { paused: true, rebuild_requested: true }, exitCodes.failed],
    [
      'is stopped at position 11',
      { epochs: [epoch(), { ...filling, stopped: { position: 11, reason: 'poison', part: 0 } }] },
      exitCodes.failed,
    ],
    ['has not ended in time', { rebuild_requested: true }, exitCodes.timeout],
  ])('rebuild --wait tells that it %s', async (told, state, code) => {
    gateway.on(`GET ${path}/audit_record`, { body: projection(state) });
    gateway.on(`POST ${path}/audit_record/rebuild`, { status: 202, body: projection({ rebuild_requested: true }) });
    const { err, exitCode } = await run(['projection', 'rebuild', 'audit_record', '--reason', 'why', '--wait', '--timeout', '1500ms']);
    expect([exitCode, err]).toEqual([code, expect.stringContaining(told)]);
  });
});

describe('aggregate', () => {
  const aggregate = {
    ...{ aggregate_type: 'service_command', aggregate_id: 'runner/x', version: 2, first_position: 3, last_position: 9 },
    ...{ first_time: '2026-11-01T10:00:00.000Z', last_time: '2026-11-01T10:00:01.000Z', event_counts: { drained: 1, resumed: 1 } },
    ...{ last_type: 'resumed', last_principal: 'user:usr_1', tenant_id: 'acme' },
  };

  it('lists by type and prefix', async () => {
    gateway.on('GET /admin/v1/log/aggregates', { body: { items: [aggregate], next_cursor: null } });
    expect((await run(['aggregate', 'list', '--type', 'service_command', '--prefix', 'runner/'])).out).toContain(
      'service_command:runner/x',
    );
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({ type: 'service_command', prefix: 'runner/', limit: '100' });
  });

  it('shows one with its events, and how to see more', async () => {
    gateway.on('GET /admin/v1/log/aggregates/service_command/runner%2Fx', { body: aggregate });
    gateway.on('GET /admin/v1/log/events', { body: { items: [event(9)], next_cursor: 'more', head: 9 } });
    const { out, err } = await run(['aggregate', 'show', 'service_command:runner/x', '--limit', '1']);
    expect(out).toContain('drained');
    expect(out).toContain('{"n":9}');
    expect(err).toBe('there are more events: --cursor more\n');
    expect(gateway.of('GET /admin/v1/log/events')[0]?.query.get('aggregate')).toBe('service_command:runner/x');
    expect((await run(['aggregate', 'show', 'job'])).exitCode).toBe(exitCodes.usage);
  });
});

describe('stuck', () => {
  const finding = { what: 'relay_behind', subject: 'EVT', severity: 'warning', since: null, message: 'm\u001b', advice: 'do this' };

  it('fails when something is, or when something could not be looked at', async () => {
    gateway.on('GET /admin/v1/stuck', { body: { items: [], next_cursor: null, not_checked: [] } });
    expect(await run(['stuck'])).toMatchObject({ exitCode: exitCodes.ok, out: 'nothing is stuck\n' });
    gateway.on('GET /admin/v1/stuck', { body: { items: [finding], next_cursor: null, not_checked: [] } });
    expect(await run(['stuck'])).toMatchObject({ exitCode: exitCodes.failed, out: 'warning  relay_behind  EVT\n  m \n  do: do this\n' });
    const unseen = [
      { what: 'log', why: "audit can't be reached" },
      { what: 'jobs', why: '' },
    ];
    gateway.on('GET /admin/v1/stuck', { body: { items: [], next_cursor: null, not_checked: unseen } });
    expect(await run(['stuck'])).toEqual({
      exitCode: exitCodes.failed,
      out: "not looked at  log\n  audit can't be reached\nnot looked at  jobs\n  -\n",
      err: 'error: nothing is known to be stuck, and not everything could be looked at: log, jobs\n',
    });
    gateway.on('GET /admin/v1/stuck', { body: { items: [finding], next_cursor: null, not_checked: unseen.slice(1) } });
    expect(await run(['stuck', '-o', 'json'])).toMatchObject({
      exitCode: exitCodes.failed,
      err: 'error: 1 thing is stuck, and not everything could be looked at: jobs\n',
    });
    await gateway.stop();
    const { exitCode, out, err } = await run(['stuck']);
    expect([exitCode, out, err]).toEqual([
      exitCodes.failed,
      '',
      expect.stringMatching(/^error: http.* can't be reached \(ECONNREFUSED\)\n$/),
    ]);
  });
});

describe('log tail', () => {
  const path = 'GET /platform/v1/changes';
  const change = (n: number) => {
    const cursor = `${n}.incarnation`;
    return `id: ${cursor}\nevent: change\ndata: ${JSON.stringify({ ...event(n), cursor, tenant_id: null, node_id: null })}\n\n`;
  };
  const stream = (body: string) => ({ headers: { 'content-type': 'text/event-stream' }, body });

  it('tells what happens and goes on behind the last one when the stream breaks', async () => {
    const bodies = [
      'id: 4.incarnation\nevent: heartbeat\ndata: {"cursor":"4.incarnation"}\n\n',
      change(5) + change(6),
      'id: 2.later\nevent: superseded\ndata: {"incarnation":"later","valid_until":2}\n\n',
      change(3),
    ];
    gateway.on(path, () => stream(bodies.shift() ?? ''));
    const filters = ['--types', 'job.*,tenant.tenant_created', '--aggregate', 'job', '--tenant', 'acme', '--cursor', '0'];
    const { out, err, exitCode } = await run(['log', 'tail', ...filters, '--count', '3', '-o', 'json']);
    const told = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { position: number }).position);
    expect([exitCode, told]).toEqual([exitCodes.ok, [5, 6, 3]]);
    expect(err).toBe('the log was restored: what was told after position 2 does not hold; going on from 2.later\n');
    expect(gateway.seen.map(({ query }) => query.get('cursor'))).toEqual(['0', '4.incarnation', '6.incarnation', '2.later']);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toMatchObject({
      types: 'job.*,tenant.tenant_created',
      aggregate: 'job',
      tenant: 'acme',
    });
  });

  it('tells each as a line, and ends when it is refused', async () => {
    gateway.on(path, stream(change(5)));
    expect((await run(['log', 'tail', '--count', '1'])).out).toBe('5  2026-11-01T10:00:00.000Z  job:job_1  job_started  {"n":5}\n');
    gateway.on(path, problem(400, 'invalid_argument', 'cursor: is no cursor'));
    expect(await run(['log', 'tail', '--cursor', 'x'])).toMatchObject({
      exitCode: exitCodes.usage,
      err: expect.stringContaining('invalid_argument'),
    });
  });

  it('goes on after a restore that happened while it was not there', async () => {
    const restored = problem(410, 'cursor_superseded', 'the log was restored');
    const details = { incarnation: 'later', valid_until: 2 };
    gateway.on(path, ({ query }) =>
      query.get('cursor') === '9.old' ? { ...restored, body: { ...(restored.body as object), details } } : stream(change(3)),
    );
    const { out, err } = await run(['log', 'tail', '--cursor', '9.old', '--count', '1']);
    expect([out.split(' ')[0], err.includes('going on from 2.later')]).toEqual(['3', true]);
    expect(gateway.seen.at(-1)?.query.get('cursor')).toBe('2.later');
  });
});
