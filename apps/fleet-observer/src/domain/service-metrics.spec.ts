import { describe, expect, it } from '@jest/globals';
import { readServiceMetrics } from './service-metrics.js';

describe('readServiceMetrics', () => {
  it("finds the service's own figures among a runtime's", () => {
    const text = [
      'go_build_info{path="x",version="(devel)",git_sha="no"} 1',
      'aggregate_build_info{service="aggregate",version="1.4.0",git_sha="abc1234"} 1',
      'aggregate_inflight{worker="a"} 3',
      'aggregate_inflight{worker="b"} 4',
      'aggregate_lag{partition="0"} 7',
      'aggregate_lag{partition="1"} 2.5',
      'go_inflight 99',
      'process_start_time_seconds 1.7952552e9',
    ].join('\n');
    expect(readServiceMetrics(text)).toEqual({
      build: { version: '1.4.0', gitSha: 'abc1234' },
      inflight: 7,
      lag: 7,
      startedAtSeconds: 1_795_255_200,
      missing: [],
    });
  });

  it('takes a service whose name has dashes', () => {
    const text = 'my_runner_build_info{service="my-runner",version="1",git_sha="a"} 1\nmy_runner_inflight 0\nmy_runner_lag 0';
    const build = { version: '1', gitSha: 'a' };
    expect(readServiceMetrics(text)).toEqual({ build, inflight: 0, lag: 0, startedAtSeconds: undefined, missing: [] });
  });

  it.each(['0', '-1', 'NaN', '+Inf', '1e300'])('takes %s for no moment at which a process began', (value) => {
    expect(readServiceMetrics(`process_start_time_seconds ${value}`).startedAtSeconds).toBeUndefined();
  });

  it.each([
    ['', ['build_info', 'inflight', 'lag']],
    ['a_build_info{version="1"} 1\na_inflight 1\na_lag 1', ['build_info', 'inflight', 'lag']],
    ['a_build_info{version="1",git_sha="b"} 1\na_lag 1', ['inflight']],
    ['a_build_info{version="1",git_sha="b"} 1\na_inflight NaN\na_lag +Inf', ['inflight', 'lag']],
    ['a_build_info{version="1",git_sha="b"} 1\na_inflight -1\na_lag 1e300', ['inflight', 'lag']],
  ])('names what is missing or makes no sense in %j', (text, missing) => {
    const read = readServiceMetrics(text);
    expect(read.missing).toEqual(missing);
    expect([read.build, read.inflight, read.lag].map((value) => value === undefined)).toEqual(
      ['build_info', 'inflight', 'lag'].map((name) => missing.includes(name)),
    );
  });
});
