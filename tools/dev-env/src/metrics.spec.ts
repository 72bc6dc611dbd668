import { describe, expect, it } from '@jest/globals';
import { endpointTargets } from './metrics.js';

describe('endpointTargets', () => {
  it('are the registered endpoints, by kind, shard and endpoint', () => {
    const a = { endpoint_id: 'a', url: 'http://127.0.0.1:1' };
    const b = { endpoint_id: 'b', url: 'http://127.0.0.1:2/base' };
    const document = {
      epoch: 1,
      revision: 7,
      shards: {
        gateway: { 'gateway-1': { endpoints: [a], weight: 1, labels: {}, state: 'active' } },
        runner: { r: { endpoints: [b] }, empty: { endpoints: [] } },
      },
    };
    expect(endpointTargets(document)).toEqual([
      { url: a.url, labels: { kind: 'gateway', shard: 'gateway-1', endpoint: 'a' } },
      { url: b.url, labels: { kind: 'runner', shard: 'r', endpoint: 'b' } },
    ]);
  });

  it('are none of a document that is missing or not one, and no address that is not HTTP', () => {
    expect(endpointTargets(undefined)).toEqual([]);
    expect(endpointTargets({ shards: 7 })).toEqual([]);
    const urls = ['file:///etc/passwd', 'http://', 'nonsense'];
    const endpoints = urls.map((url, index) => ({ endpoint_id: String(index), url }));
    expect(endpointTargets({ shards: { runner: { r: { endpoints } } } })).toEqual([]);
  });
});
