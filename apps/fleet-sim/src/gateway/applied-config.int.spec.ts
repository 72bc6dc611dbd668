import { beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { ConfigIdentity, ConfigStage, ConfigValue } from '@fairlead/contracts';
import { eventually, testFolder } from '@fairlead/testing';
import { AppliedConfig, gatewayConfig } from './applied-config.js';

const routing: ConfigIdentity = { domain: 'routing', name: 'default', scope: 'platform' };
const value = (revision: number, more: Partial<ConfigValue> = {}): ConfigValue => ({
  ...{ epoch: 1, revision, sha256: `sha-${String(revision)}` },
  content: { routes: [{ id: `r${String(revision)}`, hosts: [], path_prefix: '/' }] },
  ...more,
});

let shown: Partial<Record<ConfigStage, ConfigValue>>;
let config: AppliedConfig;
const dir = testFolder('applied-config');
let files = 0;
const open = (file: string) =>
  AppliedConfig.open({
    feed: { current: ({ domain }, stage) => (domain === 'routing' ? shown[stage] : undefined) },
    ...{ follows: gatewayConfig, file: join(dir, file), endpoint: 'gateway-1/gateway-1-1', onSaveError: () => undefined },
  });
const applied = () => config.current(routing)?.revision;

beforeEach(async () => {
  shown = {};
  config = await open(`${String(++files)}.json`);
});

describe('the configuration of a gateway', () => {
  it('is none before there is one, and then what is in force', () => {
    expect([applied(), config.state(), config.resolve({ host: 'a', path: '/' })]).toEqual([undefined, {}, undefined]);
    shown = { effective: value(1) };
    expect(config.state()).toEqual({ 'routing/platform/default': { epoch: 1, revision: 1, sha256: 'sha-1' } });
    expect(config.resolve({ host: 'a', path: '/x' })).toEqual({ route: 'r1', revision: 1 });
  });

  it('is never an older one, but by a higher epoch', () => {
    shown = { effective: value(3) };
    expect(applied()).toBe(3);
    shown = { effective: value(2) };
    expect(applied()).toBe(3);
    shown = { effective: value(1, { epoch: 2 }) };
    expect(applied()).toBe(1);
  });

  it('is a candidate while that names this gateway, and what is in force again when it is withdrawn', () => {
    shown = { effective: value(3), candidate: value(4, { gateways: ['gateway-2/gateway-1-1'] }) };
    expect(applied()).toBe(3);
    shown = { effective: value(3), candidate: value(4, { gateways: ['gateway-1/gateway-1-1'] }) };
    expect(applied()).toBe(4);
    shown = { effective: value(3), candidate: value(3, { gateways: [], content: {} }) };
    expect(applied()).toBe(3);
    // One that stands there still, after something newer came into force.
    shown = { effective: value(5), candidate: value(4, { gateways: ['gateway-1/gateway-1-1'] }) };
    expect(applied()).toBe(5);
  });

  it('outlives a restart with the control plane away; a candidate does not', async () => {
    shown = { effective: value(3), candidate: value(4, { gateways: ['gateway-1/gateway-1-1'] }) };
    expect(applied()).toBe(4);
    shown = {};
    const again = await eventually(
      async () => {
        const opened = await open(`${String(files)}.json`);
        return opened.current(routing) === undefined ? undefined : opened;
      },
      { what: 'the file to be written' },
    );
    expect(again.current(routing)?.revision).toBe(3);
  });
});
