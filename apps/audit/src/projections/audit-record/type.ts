import type { Json } from '../../domain/details.js';
import type { Outcome } from '../../domain/outcome.js';

/** One line of the trail: who did what to what, with the ids of the request that made it. */
export interface TrailRecord {
  /** The event's position in the log. */
  readonly position: number;
  readonly time: Date;
  /** `<aggregate type>.<event type>`, such as `tenant.tenant_created`. */
  readonly action: string;
  readonly principal: string;
  /** The service that acted for the principal, when one did. */
  readonly via: string | null;
  readonly tenantId: string | null;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceId: string | null;
  readonly jobId: string | null;
  readonly step: string | null;
  readonly reason: string | null;
  /** The IP address that the principal's request came from, when a request made it. */
  readonly sourceAddress: string | null;
  readonly outcome: Outcome;
  /** The event's payload, cut to a bounded size. */
  readonly details: Readonly<Record<string, Json>>;
}

/** What reads use, and the shape of its epochs' tables. */
export const tables = { record: 'record_v1' } as const;
