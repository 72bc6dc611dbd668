import { Controller, Get, Headers, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Principal } from '@fairlead/auth';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { changeCursor } from '../edge/change-cursor.js';
import { Caller } from '../edge/parse.js';
import { changeEvents, type SseDeps } from '../streams/change-sse.js';
import type { Changes } from '../streams/changes.js';
import { changeSse, changeStream } from './changes.js';

const query = z.strictObject({ cursor: z.string().max(64, 'is not a cursor').optional() });

const filter = { types: ['endpoint.*'], aggregate: undefined, tenant: undefined, node: undefined };

@Controller('admin/v1/fleet')
export class FleetEventsController {
  constructor(
    @Inject(changeStream) private readonly changes: Changes,
    @Inject(changeSse) private readonly sse: SseDeps,
  ) {}

  /**
   * Changes of endpoints alone, as the change stream tells them: behind `cursor` (or `Last-Event-ID`), without one from now on,
   * until the token ends.
   */
  @Get('events')
  @RequirePermission('fleet.read')
  @Answers('Tells the changes of endpoints from a cursor on, and then live.', undefined, { events: 'always' })
  async events(
    @Query({ schema: query }) asked: z.output<typeof query>,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Caller() reader: Principal,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // What a client that reconnects has seen last is newer than the address that it began with.
    const isAgain = lastEventId !== undefined && lastEventId !== '';
    const cursor = isAgain ? changeCursor(lastEventId, 'Last-Event-ID') : changeCursor(asked.cursor);
    const opened = await this.changes.open({ reader, cursor, filter }, 'sse');
    // A proxy that buffers would turn live into late.
    void reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no').send(changeEvents(this.sse, opened));
  }
}
