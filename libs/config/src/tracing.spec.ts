import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { loadConfig, spanTarget, tracingConfig } from './index.js';

const targetOf = (env: Record<string, string>) => spanTarget(loadConfig(z.object(tracingConfig), env));

describe('settings of traces', () => {
  it('say where spans go: nowhere unless told, below a base, or to one address', () => {
    expect(targetOf({})).toEqual({ endpoint: undefined, headers: undefined, ratio: 1 });
    const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
    expect(targetOf({ ...base, OTEL_TRACES_SAMPLER_ARG: '0.25' })).toMatchObject({
      endpoint: 'http://collector:4318/v1/traces',
      ratio: 0.25,
    });
    expect(targetOf({ ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/in' }).endpoint).toBe('https://traces/in');
  });

  it('take headers, and show no value of those that are wrong', () => {
    const headers = (OTEL_EXPORTER_OTLP_HEADERS: string) => targetOf({ OTEL_EXPORTER_OTLP_HEADERS }).headers;
    expect(headers('authorization=Bearer%20a=b, x-scope=acme')).toEqual({ authorization: 'Bearer a=b', 'x-scope': 'acme' });
    for (const wrong of ['hunter2', 'a b=hunter2', 'a=hunter2%0a', 'a=%hunter2', ',a=hunter2']) {
      expect(() => headers(wrong)).toThrow(/OTEL_EXPORTER_OTLP_HEADERS: not name=value pairs/);
      expect(() => headers(wrong)).not.toThrow(/hunter2/);
    }
    for (const ratio of ['-0.1', '1.1', 'all', '1e0']) {
      expect(() => targetOf({ OTEL_TRACES_SAMPLER_ARG: ratio })).toThrow(/OTEL_TRACES_SAMPLER_ARG: not a number within 0 and 1/);
    }
  });
});
