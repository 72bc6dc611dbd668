import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  changesBetween,
  endpointKey,
  latestOf,
  normalise,
  stateOf,
  type EndpointHealth,
  type ProbeAnswers,
  type RouteAnswer,
} from './health.js';

const endpoint = { kind: 'aggregate', shardId: 'a-1', endpointId: 'e1', url: 'http://127.0.0.1:4001' };
const takenAt = new Date('2026-11-21T10:00:00.000Z');
const metricsText = 'aggregate_build_info{service="aggregate",version="1.4.0",git_sha="abc"} 1\naggregate_inflight 2\naggregate_lag 3\n';
const answer = (status: number, body = ''): RouteAnswer => ({ status, body, durationMs: 4.4 });
const startedText = 'process_start_time_seconds 1795255200.5\n';
const fine: ProbeAnswers = { health: answer(200), ready: answer(200), metrics: answer(200, metricsText + startedText) };
const lost: RouteAnswer = { problem: 'it can not be reached' };

describe('normalise', () => {
  it('tells all of an endpoint that is well', () => {
    expect(normalise(endpoint, fine, takenAt)).toEqual({
      ...endpoint,
      reachable: true,
      healthy: true,
      ready: true,
      version: '1.4.0',
      gitSha: 'abc',
      inflight: 2,
      lag: 3,
      startedAt: '2026-11-21T10:00:00.500Z',
      metricsTakenAt: '2026-11-21T10:00:00.000Z',
      metricsAskedAt: '2026-11-21T10:00:00.000Z',
      metricsProblem: '',
      condition: 'steady',
      takenAt: '2026-11-21T10:00:00.000Z',
      problem: '',
      latencyMs: 4,
    });
  });

  it.each<[string, Partial<ProbeAnswers>, Partial<EndpointHealth>]>([
    ['not ready', { ready: answer(503) }, { ready: false, healthy: true, problem: '' }],
    ['unhealthy', { health: answer(503), ready: answer(503) }, { reachable: true, healthy: false, ready: false, problem: '' }],
    ['a route that is not there', { health: answer(404) }, { healthy: false, problem: 'health: status 404' }],
    ['one route lost', { ready: lost }, { reachable: true, ready: false, problem: 'ready: it can not be reached' }],
    [
      'metrics without figures',
      { metrics: answer(200, '') },
      { version: '', ready: true, problem: 'metrics: without build_info, inflight, lag' },
    ],
    ['two problems', { ready: lost, metrics: answer(500) }, { problem: 'ready: it can not be reached; metrics: status 500' }],
    [
      'nothing reached',
      { health: lost, ready: lost, metrics: lost },
      { reachable: false, healthy: false, ready: false, latencyMs: 0, problem: 'it can not be reached' },
    ],
  ])('tells %s', (_, answers, expected) => {
    expect(normalise(endpoint, { ...fine, ...answers }, takenAt)).toMatchObject(expected);
  });

  const figures = { version: '1.4.0', gitSha: 'abc', inflight: 2, lag: 3, metricsTakenAt: '2026-11-21T10:00:00.000Z' };
  const later = new Date('2026-11-21T10:00:10.000Z');

  it.each<[string, Partial<ProbeAnswers>, string]>([
    ['were not asked', { metrics: undefined }, ''],
    ['could not be asked', { metrics: lost }, 'metrics: it can not be reached'],
    ['were refused', { metrics: answer(500) }, 'metrics: status 500'],
    ['were empty', { metrics: answer(200, '') }, 'metrics: without build_info, inflight, lag'],
    ['were of something else', { metrics: answer(200, 'go_inflight 9\ngo_lag 9\n') }, 'metrics: without build_info, inflight, lag'],
    ['were not asked of what is away', { health: lost, ready: lost, metrics: undefined }, 'it can not be reached'],
  ])('keeps what metrics said, with its age, when they %s', (_, answers, problem) => {
    const before = normalise(endpoint, fine, takenAt);
    const told = normalise(endpoint, { ...fine, ...answers }, later, before);
    expect(told).toMatchObject({ ...figures, takenAt: '2026-11-21T10:00:10.000Z', problem });
  });

  it('keeps a single figure that is missing', () => {
    const without = {
      metrics: answer(200, 'aggregate_build_info{service="aggregate",version="1.5.0",git_sha="def"} 1\naggregate_lag 9\n'),
    };
    const told = normalise(endpoint, { ...fine, ...without }, later, normalise(endpoint, fine, takenAt));
    expect(told).toMatchObject({ version: '1.5.0', gitSha: 'def', inflight: 2, lag: 9, problem: 'metrics: without inflight' });
    expect(told.metricsTakenAt).toBe(later.toISOString());
  });

  it('tells of metrics that could not be read until they can', () => {
    const refused = normalise(endpoint, { ...fine, metrics: answer(500) }, takenAt);
    expect(normalise(endpoint, { ...fine, metrics: undefined }, later, refused)).toMatchObject({ problem: 'metrics: status 500' });
    const away = normalise(endpoint, { health: lost, ready: lost, metrics: undefined }, later, refused);
    expect(away.problem).toBe('it can not be reached; metrics: status 500');
    expect(normalise(endpoint, fine, later, refused)).toMatchObject({ ...figures, metricsTakenAt: later.toISOString(), problem: '' });
  });

  it('is in one state for as long as only metrics answer, whether they were asked or not', () => {
    const hanging = { health: lost, ready: lost };
    let before = normalise(endpoint, fine, takenAt);
    const states = [false, true, false, false, true].map((asked) => {
      before = normalise(endpoint, { ...hanging, metrics: asked ? fine.metrics : undefined }, later, before);
      return stateOf(before);
    });
    expect(states).toEqual(Array(5).fill('unreachable'));
    expect(before).toMatchObject({ ...figures, metricsTakenAt: later.toISOString(), problem: 'it can not be reached' });
  });

  it('has a problem or figures, never neither, and is never ready without an answer', () => {
    const route: fc.Arbitrary<RouteAnswer> = fc.oneof(
      fc.record({ problem: fc.constantFrom('it can not be reached', 'it did not answer in time') }),
      fc.record({
        status: fc.constantFrom(200, 204, 404, 500, 503),
        body: fc.constantFrom('', metricsText, 'noise'),
        durationMs: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(route, route, route, (health, ready, metrics) => {
        const told = normalise(endpoint, { health, ready, metrics }, takenAt);
        expect(told.problem !== '' || (told.reachable && told.version === '1.4.0')).toBe(true);
        expect(!(told.healthy || told.ready) || told.reachable).toBe(true);
        expect(told.reachable || told.problem !== '').toBe(true);
      }),
    );
  });
});

describe('the latest of two looks', () => {
  const at = (seconds: number) => new Date(takenAt.getTime() + seconds * 1_000);
  const text = (version: string) => answer(200, metricsText.replace('1.4.0', version));
  const look = (seconds: number, answers: Partial<ProbeAnswers>, before?: EndpointHealth) =>
    normalise(endpoint, { ...fine, metrics: undefined, ...answers }, at(seconds), before);
  const both = (one: EndpointHealth, other: EndpointHealth) => [latestOf(one, other, at(20)), latestOf(other, one, at(20))];

  it('has the state of the one and the metrics of the other, in whatever order they are kept', () => {
    const mine = look(0, { metrics: text('3') });
    const others = look(5, { ready: answer(503) }, look(-20, { metrics: text('2') }));
    for (const told of both(mine, others)) {
      expect(told).toMatchObject({ version: '3', ready: false, takenAt: others.takenAt, metricsTakenAt: mine.metricsTakenAt });
    }
  });

  it('tells of metrics that could not be read, whoever looked without asking for them since', () => {
    const refused = look(5, { metrics: answer(500) }, look(-20, { metrics: text('2') }));
    const fresh = look(10, {}, look(0, { metrics: text('3') }));
    for (const told of both(refused, fresh)) {
      expect(told).toMatchObject({
        version: '3',
        metricsTakenAt: at(0).toISOString(),
        takenAt: fresh.takenAt,
        problem: 'metrics: status 500',
      });
    }
    const read = look(15, { ready: lost }, look(12, { metrics: text('3') }));
    for (const told of both(latestOf(refused, fresh, at(20)), read)) expect(told.problem).toBe('ready: it can not be reached');
    const away = look(20, { health: lost, ready: lost }, look(3, { metrics: lost }));
    for (const told of both(refused, away)) expect(told.problem).toBe('it can not be reached; metrics: status 500');
  });

  it('of two of the same moment is that which comes last', () => {
    const [known, sensed] = [look(0, { metrics: text('1') }), look(0, { metrics: text('2') })];
    expect(latestOf(known, sensed, at(20))).toBe(sensed);
  });

  it('is none that a clock told which was ahead', () => {
    const ahead = look(3_600, { metrics: text('9') });
    const mine = look(20, { ready: answer(503) }, look(0, { metrics: text('3') }));
    for (const told of both(ahead, mine)) expect(told).toEqual(mine);
    const little = look(29, { metrics: text('4') });
    for (const told of both(little, mine)) expect(told).toEqual(little);
  });
});

describe('stateOf', () => {
  it.each([
    [{ reachable: false, healthy: false, ready: false }, 'unreachable'],
    [{ reachable: true, healthy: false, ready: true }, 'unhealthy'],
    [{ reachable: true, healthy: true, ready: false }, 'not_ready'],
    [{ reachable: true, healthy: true, ready: true }, 'ready'],
  ])('says of %j: %s', (health, state) => {
    expect(stateOf(health)).toBe(state);
  });
});

describe('changesBetween', () => {
  const viewOf = (...all: EndpointHealth[]) => new Map(all.map((health) => [endpointKey(health), health]));
  const well = normalise(endpoint, fine, takenAt);

  it('ignores figures that move all the time and the wording of a problem', () => {
    const later = { ...well, inflight: 9, lag: 9, latencyMs: 9, takenAt: '2026-11-21T10:00:05.000Z' };
    expect(changesBetween(viewOf(well), viewOf(later))).toEqual([]);
    expect(changesBetween(viewOf({ ...well, problem: 'a' }), viewOf({ ...well, problem: 'b' }))).toEqual([]);
  });

  it.each<[string, Partial<EndpointHealth>]>([
    ['state', { ready: false }],
    ['version', { version: '1.5.0' }],
    ['commit', { gitSha: 'def' }],
    ['address', { url: 'http://127.0.0.1:4002' }],
    ['first problem', { problem: 'metrics: status 500' }],
  ])('tells a change of %s', (_, change) => {
    const to = { ...well, ...change };
    const { url } = to;
    expect(changesBetween(viewOf(well), viewOf(to))).toEqual([{ key: 'aggregate.a-1.e1', endpoint: { ...endpoint, url }, from: well, to }]);
  });

  it('tells what is new and what is gone, each endpoint once, nothing of what is the same', () => {
    const health = fc
      .record({ endpointId: fc.constantFrom('e1', 'e2', 'e3', 'e4'), ready: fc.boolean(), lag: fc.nat() })
      .map((some) => ({ ...well, ...some }));
    const view = fc.array(health).map((all) => viewOf(...all));
    fc.assert(
      fc.property(view, view, (before, after) => {
        const changes = changesBetween(before, after);
        expect(changes.map(({ key }) => key)).toEqual([...new Set(changes.map(({ key }) => key))].sort());
        // Applied to the old view, the changes make the new one, up to figures.
        const applied = new Map(before);
        for (const { key, to } of changes) {
          if (to === undefined) applied.delete(key);
          else applied.set(key, to);
        }
        const readiness = (all: ReadonlyMap<string, EndpointHealth>) => [...all].map(([key, { ready }]) => [key, ready]).sort();
        expect(readiness(applied)).toEqual(readiness(after));
        for (const { from, to } of changes) expect(from?.ready).not.toBe(to?.ready);
      }),
    );
  });
});
