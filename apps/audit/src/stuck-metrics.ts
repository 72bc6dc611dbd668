import { Gauge } from 'prom-client';
import type { Registry } from '@fairlead/telemetry';
import { findStuck, type StuckDeps } from './stuck.js';

/** Reports how much of what is stuck, as of the scrape. Each replica reports the same. */
export function reportStuck(deps: StuckDeps, registry: Registry): void {
  new Gauge({
    name: 'fairlead_stuck',
    help: 'What does not get on by itself, as `fairlead stuck` tells it.',
    labelNames: ['what', 'subject', 'severity'],
    registers: [registry],
    async collect() {
      const { findings } = await findStuck(deps, new Date());
      this.reset();
      for (const { what, subject, severity } of findings) this.inc({ what, subject, severity });
    },
  });
}
