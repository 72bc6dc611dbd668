import { Gauge, Registry } from 'prom-client';
import type { ServiceKind } from '@fairlead/contracts';

/** Makes the metrics the fleet contract asks of a service of a kind. */
export function serviceMetrics(
  kind: ServiceKind,
  build: { version: string; gitSha: string },
  read: () => { inflight: number; lag: number },
): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: `${kind}_build_info`, help: 'Which build runs.', labelNames: ['service', 'version', 'git_sha'], registers }).set(
    { service: kind, version: build.version, git_sha: build.gitSha },
    1,
  );
  new Gauge({
    name: `${kind}_inflight`,
    help: 'Commands being worked on.',
    registers,
    collect() {
      this.set(read().inflight);
    },
  });
  new Gauge({
    name: `${kind}_lag`,
    help: kind === 'gateway' ? 'Placement revisions known and not applied yet.' : 'Commands accepted and not applied yet.',
    registers,
    collect() {
      this.set(read().lag);
    },
  });
  return registry;
}
