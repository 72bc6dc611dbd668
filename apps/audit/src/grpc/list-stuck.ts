import type { logV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findStuck, type StuckDeps } from '../stuck.js';

/** What does not get on by itself, and what could not be looked at. */
export const listStuck = (deps: StuckDeps): Rpc<logV1.ListStuckRequest, logV1.ListStuckResponse> =>
  rpc('log.read', async () => {
    const { findings, notChecked } = await findStuck(deps, new Date());
    return {
      findings: findings.map(({ since, ...finding }) => ({ ...finding, since: since?.toISOString() ?? '' })),
      notChecked: [...notChecked],
    };
  });
