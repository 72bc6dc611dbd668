import { Controller, Get, Headers, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { accepts } from '../edge/accept.js';
import { RequirePermission } from '../edge/access.js';
import { Answers, integer, time } from '../edge/answers.js';
import { Caller, nodeId, tenantId } from '../edge/parse.js';
import { changeCursor } from '../edge/change-cursor.js';
import type { Changes } from '../streams/changes.js';
import { changeEvents, type SseDeps } from '../streams/change-sse.js';

/** Under these Nest hands the change stream to the controller. */
export const changeStream = Symbol('the change stream');
export const changeSse = Symbol('what change streams over SSE need');

const [maxTypes, maxLimit, maxWaitSeconds] = [50, 1_000, 30];

const typeName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}\.([a-z][a-z0-9_]{0,63}|\*)$/, 'must be event types such as job.job_succeeded or job.*');
const aggregate = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}(:[\x21-\x7e]{1,256})?$/, 'must be an aggregate type, or one aggregate such as job:job_1');

/** Text that lists the parts that it is made of. */
export const typeList = z.array(typeName).max(maxTypes, `must be ${maxTypes} at most`);

export const filterFields = {
  aggregate: aggregate.optional(),
  tenant: tenantId.optional(),
  node: nodeId.optional(),
};

const query = z.strictObject({
  cursor: z.string().max(64, 'is not a cursor').optional(),
  types: z
    .string()
    .transform((text) => text.split(','))
    .pipe(typeList)
    .default([]),
  ...filterFields,
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a number from 1')
    .transform((value) => Math.min(Number(value), maxLimit))
    .default(100)
    .meta({ ...integer, minimum: 1, maximum: 999_999_999 }),
  wait_seconds: z
    .string()
    .regex(/^\d{1,2}$/, `must be a number from 0 to ${maxWaitSeconds}`)
    .transform(Number)
    .refine((value) => value <= maxWaitSeconds, `must be a number from 0 to ${maxWaitSeconds}`)
    .default(0)
    .meta({ ...integer, maximum: maxWaitSeconds }),
});

const changeSchema = z
  .object({
    cursor: z.string(),
    position: z.int(),
    aggregate_type: z.string(),
    aggregate_id: z.string(),
    version: z.int(),
    type: z.string(),
    schema_version: z.int(),
    recorded_at: time,
    tenant_id: z.string().nullable(),
    node_id: z.string().nullable(),
    payload: z.record(z.string(), z.unknown()),
    meta: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Change' });
const pollSchema = z.object({
  items: z.array(changeSchema),
  cursor: z.string(),
  /** Where the log stands. */
  position: z.int(),
  /** There may be more behind the cursor. */
  more: z.boolean(),
});

@Controller('platform/v1/changes')
export class ChangesController {
  constructor(
    @Inject(changeStream) private readonly changes: Changes,
    @Inject(changeSse) private readonly sse: SseDeps,
  ) {}

  /**
   * What happened behind a cursor, as far as the caller may read it: a page, for which `wait_seconds` waits, or, asked
   * for as `text/event-stream`, all that comes until the token ends. Without a cursor: from now on.
   */
  @Get()
  @RequirePermission('change.read', { scoped: true, anywhere: true })
  @Answers('Tells what happened behind a cursor: a page, or all that comes as server-sent events.', pollSchema, { events: 'on request' })
  async get(
    @Query({ schema: query }) asked: z.output<typeof query>,
    @Headers('accept') accept: string | undefined,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Caller() reader: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { types, aggregate, tenant, node } = asked;
    const filter = { types, aggregate, tenant, node };
    if (accepts(accept, 'text/event-stream')) {
      // What a client that reconnects has seen last is newer than the address that it began with.
      const cursor =
        lastEventId === undefined || lastEventId === '' ? changeCursor(asked.cursor) : changeCursor(lastEventId, 'Last-Event-ID');
      const opened = await this.changes.open({ reader, cursor, filter }, 'sse');
      // A proxy that buffers would turn live into late.
      void reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no').send(changeEvents(this.sse, opened));
      return;
    }
    const gone = new AbortController();
    reply.raw.once('close', () => {
      gone.abort();
    });
    const waitMs = asked.wait_seconds * 1_000;
    const cursor = changeCursor(asked.cursor);
    const answer = await this.changes.poll({ reader, cursor, filter, limit: asked.limit, waitMs, signal: gone.signal });
    if (!gone.signal.aborted) void reply.send(answer);
  }
}
