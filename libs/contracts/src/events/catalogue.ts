/** Every event type there is. A new one is a line in its aggregate's file. */
import type { AggregateType } from '../aggregates.js';
import { configEvents } from './config.js';
import { dataTableEvents } from './data-table.js';
import { deadLetterEvents } from './dead-letter.js';
import type { AggregateEvents, EventType, PayloadOf } from './define.js';
import { definitionEvents } from './definition.js';
import { endpointEvents } from './endpoint.js';
import { eventLogEvents } from './event-log.js';
import { iamChangeEvents } from './iam-change.js';
import { jobEvents } from './job.js';
import { orgEvents } from './org.js';
import { placementMapEvents } from './placement-map.js';
import { planEvents } from './plan.js';
import { projectEvents } from './project.js';
import { projectionEvents } from './projection.js';
import { roleBindingEvents } from './role-binding.js';
import { roleEvents } from './role.js';
import { scheduleEvents } from './schedule.js';
import { sensitiveReadEvents } from './sensitive-read.js';
import { serviceCommandEvents } from './service-command.js';
import { shardEvents } from './shard.js';
import { signingKeyEvents } from './signing-key.js';
import { tenantEvents } from './tenant.js';
import { userEvents } from './user.js';
import { webhookEvents } from './webhook.js';

export const eventCatalogue = {
  user: userEvents,
  signing_key: signingKeyEvents,
  webhook: webhookEvents,
  role: roleEvents,
  role_binding: roleBindingEvents,
  data_table: dataTableEvents,
  sensitive_read: sensitiveReadEvents,
  iam_change: iamChangeEvents,
  org: orgEvents,
  project: projectEvents,
  tenant: tenantEvents,
  shard: shardEvents,
  placement_map: placementMapEvents,
  config: configEvents,
  definition: definitionEvents,
  plan: planEvents,
  job: jobEvents,
  schedule: scheduleEvents,
  service_command: serviceCommandEvents,
  endpoint: endpointEvents,
  dead_letter: deadLetterEvents,
  projection: projectionEvents,
  event_log: eventLogEvents,
} as const satisfies Record<AggregateType, AggregateEvents>;

/** The product's catalogue, as a type. */
export type ProductEvents = typeof eventCatalogue;

/** What an event of one aggregate type says: its type with the payload of that type. */
export type EventBody<Aggregate extends AggregateType> = {
  [Type in keyof ProductEvents[Aggregate]['types']]: {
    readonly type: Type;
    readonly payload: ProductEvents[Aggregate]['types'][Type] extends infer Known extends EventType ? PayloadOf<Known> : never;
  };
}[keyof ProductEvents[Aggregate]['types']];
