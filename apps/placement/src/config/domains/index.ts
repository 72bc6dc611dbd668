import type { ConfigDomain } from '@fairlead/contracts';
import type { Content } from '../domain/canonical.js';
import type { Domain } from './define.js';
import { featureFlags } from './feature-flags.js';
import { placement } from './placement.js';
import { routing } from './routing.js';
import { runnerActivation } from './runner-activation.js';

/** Every domain there is. A new one is a file beside these, a line here, and its name in libs/contracts/src/config.ts. */
export const domains: Readonly<Record<ConfigDomain, Domain<Content>>> = {
  routing,
  placement,
  'feature-flags': featureFlags,
  'runner-activation': runnerActivation,
};
