import { z } from 'zod';
import { eventType, type AggregateEvents } from './define.js';
import { count, failure, freeForm, text, time } from './fields.js';
import { tenantOfWork } from './job.js';

/** Jobs that are started by the clock: what was asked, and what became of each turn. */
export const scheduleEvents = {
  permission: 'schedule.read',
  tenantOf: tenantOfWork,
  scoped: {
    schedule_created: ['tenant_id', 'name', 'kind', 'params', 'cron', 'time_zone', 'missed'],
    schedule_paused: ['tenant_id', 'name'],
    schedule_resumed: ['tenant_id', 'name'],
    schedule_deleted: ['tenant_id', 'name'],
    schedule_fired: ['tenant_id', 'name', 'due_at', 'job_id'],
    schedule_missed: ['tenant_id', 'name', 'turns'],
    schedule_failed: ['tenant_id', 'name', 'due_at', 'error.code'],
  },
  types: {
    schedule_created: eventType(
      z.strictObject({
        tenant_id: text.optional(),
        name: text,
        kind: text,
        params: freeForm,
        cron: text,
        time_zone: text,
        missed: z.enum(['skip', 'once']),
      }),
    ),
    schedule_paused: eventType(z.strictObject({ tenant_id: text.optional(), name: text, by: text })),
    schedule_resumed: eventType(z.strictObject({ tenant_id: text.optional(), name: text, by: text })),
    schedule_deleted: eventType(z.strictObject({ tenant_id: text.optional(), name: text, by: text })),
    /** A job was started; it is in order with others of its resources. */
    schedule_fired: eventType(z.strictObject({ tenant_id: text.optional(), name: text, due_at: time, job_id: text })),
    /** Turns that nobody took in time and that are not made up for. */
    schedule_missed: eventType(z.strictObject({ tenant_id: text.optional(), name: text, turns: count })),
    /** A turn's job was refused, for instance by a check that blocks. */
    schedule_failed: eventType(z.strictObject({ tenant_id: text.optional(), name: text, due_at: time, error: failure })),
  },
} as const satisfies AggregateEvents;
