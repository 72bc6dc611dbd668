import type { ServiceKind } from '@fairlead/contracts';
import type { Service } from './service.js';
import type { TestTenant } from './test-tenant.js';

/** What a rule's check works with. */
export interface Bench {
  readonly kind: ServiceKind;
  readonly service: Service;
  /** The tenant that the check has for itself; of a gateway there is none. */
  readonly tenant: TestTenant;
  /** The same tenant on another shard of the kind, when one was named. */
  readonly peer: TestTenant | undefined;
}

/** One rule of docs/fleet-contract.md. A rule more is an entry more in one of the tables. */
export type Rule = {
  readonly id: string;
  readonly mandatory: boolean;
  /** In few words, what it asks for. */
  readonly title: string;
  readonly of: 'every' | 'shards' | 'gateways' | 'runners';
} & (
  | {
      /** Throws Broken when the service breaks the rule, NotChecked when that can't be found out. */
      readonly check: (bench: Bench) => Promise<void>;
      /** It sends numbered commands, so it is checked only when a path for these was named. */
      readonly sendsCommands?: true;
    }
  | { /** Why nobody can see it from outside. */ readonly unseen: string }
);
