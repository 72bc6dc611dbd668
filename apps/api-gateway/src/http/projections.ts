import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { projectionsV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, wholeList } from '../edge/answers.js';
import { asCaller, present, projectionsClient, tellPosition, type ProjectionsClient } from '../edge/clients.js';
import { projectionName, reason } from '../edge/parse.js';

const decisionBody = z.strictObject({ reason });
type DecisionBody = z.output<typeof decisionBody>;
const skipBody = z.strictObject({
  reason,
  /** Where it is stopped. */
  position: z.int('is not a position').min(1, 'is not a position').max(999_999_999_999_999, 'is not a position'),
  /** Of the epoch that is stopped there; whichever that is when left out. */
  epoch: z.int('is not an epoch').min(1, 'is not an epoch').max(2_147_483_647, 'is not an epoch').optional(),
});
type SkipBody = z.output<typeof skipBody>;

const epochSchema = z.object({
  epoch: z.int(),
  serving: z.boolean(),
  version: z.int(),
  position: z.int(),
  parts: z.int(),
  stopped: z.object({ position: z.int(), reason: z.string(), part: z.int(), since: z.string().nullable() }).nullable(),
  rebuild: z.object({ from: z.int(), head: z.int(), events_per_second: z.number().nullable(), started_at: z.string() }).nullable(),
});
const projectionSchema = z
  .object({
    name: z.string(),
    owner: z.string(),
    state: z.string(),
    paused: z.boolean(),
    rebuild_requested: z.boolean(),
    position: z.int(),
    lag: z.int(),
    lag_seconds: z.number(),
    updated_at: z.string(),
    epochs: z.array(epochSchema),
  })
  .meta({ id: 'Projection' });
const head = z.int();

/** Projections of the log, and what operators decide about them: each decision is in the log with its reason. */
@Controller('admin/v1/projections')
export class ProjectionsController {
  constructor(@Inject(projectionsClient) private readonly client: ProjectionsClient) {}

  /** All, by name: there are few. */
  @Get()
  @RequirePermission('projection.read')
  @Answers('Lists the projections of the log.', wholeList(projectionSchema).extend({ head }))
  async list() {
    const { projections, head } = await this.client.listProjections({}, asCaller());
    return { items: projections.map(projectionView), next_cursor: null, head };
  }

  @Get(':name')
  @RequirePermission('projection.read')
  @Answers('Tells how far a projection is.', projectionSchema.extend({ head }).meta({ id: 'ProjectionAtHead' }))
  async get(@Param('name', { schema: projectionName }) name: string) {
    const { projection, head } = await this.client.getProjection({ name }, asCaller());
    return { ...projectionView(present(projection, 'projection')), head };
  }

  /** Its workers stop after the page at hand; reads go on, ever older. */
  @Post(':name/pause')
  @RequirePermission('projection.manage')
  @Answers('Lets a projection’s workers stop after the page at hand.', projectionSchema)
  @HttpCode(200)
  async pause(
    @Param('name', { schema: projectionName }) name: string,
    @Body({ schema: decisionBody }) body: DecisionBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return decided(await this.client.pauseProjection({ name, reason: body.reason }, asCaller()), reply);
  }

  @Post(':name/resume')
  @RequirePermission('projection.manage')
  @Answers('Lets a paused projection go on.', projectionSchema)
  @HttpCode(200)
  async resume(
    @Param('name', { schema: projectionName }) name: string,
    @Body({ schema: decisionBody }) body: DecisionBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return decided(await this.client.resumeProjection({ name, reason: body.reason }, asCaller()), reply);
  }

  /** Fills a new epoch from the log's beginning while the old one serves, then swaps them. */
  @Post(':name/rebuild')
  @RequirePermission('projection.manage')
  @Answers('Fills the projection anew from the log’s beginning while the old one serves.', projectionSchema)
  @HttpCode(202)
  async rebuild(
    @Param('name', { schema: projectionName }) name: string,
    @Body({ schema: decisionBody }) body: DecisionBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return decided(await this.client.rebuildProjection({ name, reason: body.reason }, asCaller()), reply);
  }

  @Post(':name/cancel-rebuild')
  @RequirePermission('projection.manage')
  @Answers('Gives a rebuild up.', projectionSchema)
  @HttpCode(200)
  async cancelRebuild(
    @Param('name', { schema: projectionName }) name: string,
    @Body({ schema: decisionBody }) body: DecisionBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return decided(await this.client.cancelRebuild({ name, reason: body.reason }, asCaller()), reply);
  }

  /** Lets the one event pass that it is stopped at. */
  @Post(':name/skip')
  @RequirePermission('projection.manage')
  @Answers('Lets the one event pass that the projection is stopped at.', projectionSchema)
  @HttpCode(200)
  async skip(
    @Param('name', { schema: projectionName }) name: string,
    @Body({ schema: skipBody }) { position, epoch, reason: why }: SkipBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return decided(await this.client.skipEvent({ name, position, epoch: epoch ?? 0, reason: why }, asCaller()), reply);
  }
}

function decided({ projection, position }: projectionsV1.PauseProjectionResponse, reply: FastifyReply) {
  tellPosition(reply, position);
  return projectionView(present(projection, 'projection'));
}

function projectionView(projection: projectionsV1.Projection) {
  return {
    name: projection.name,
    owner: projection.owner,
    state: projection.state,
    paused: projection.paused,
    rebuild_requested: projection.rebuildRequested,
    position: projection.position,
    lag: projection.lag,
    lag_seconds: projection.lagSeconds,
    updated_at: projection.updatedAt,
    epochs: projection.epochs.map(epochView),
  };
}

function epochView({ epoch, serving, version, position, parts, stopped, rebuild }: projectionsV1.Epoch) {
  return {
    ...{ epoch, serving, version, position, parts },
    // Of an audit of the release before it is not known.
    stopped: stopped === undefined ? null : { ...stopped, since: stopped.since || null },
    rebuild:
      rebuild === undefined
        ? null
        : {
            from: rebuild.fromPosition,
            head: rebuild.head,
            events_per_second: rebuild.eventsPerSecond === 0 ? null : rebuild.eventsPerSecond,
            started_at: rebuild.startedAt,
          },
  };
}
