import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { freeForm, text } from './fields.js';
import { tenantOfWork } from './job.js';

/** Plans that were made; what becomes of one is told of its job. */
export const planEvents = {
  permission: 'job.read',
  tenantOf: tenantOfWork,
  scoped: { plan_created: ['kind', 'digest', 'params', 'verdicts', 'tenant_id'], plan_approved: ['kind', 'digest', 'tenant_id'] },
  types: {
    plan_created: eventType(
      z.strictObject({
        kind: text,
        digest: text,
        params: freeForm,
        /** By the check's name. */
        verdicts: z.record(text, z.enum(['pass', 'warn', 'block'])),
        tenant_id: text.optional(),
      }),
    ),
    /** By somebody other than who made it; why is in the metadata. */
    plan_approved: eventType(z.strictObject({ kind: text, digest: text, by: text, tenant_id: text.optional() })),
  },
} as const satisfies AggregateEvents;
