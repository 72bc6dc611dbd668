import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { namePattern, serviceKinds } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, fleetClient, orNull, type FleetClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf } from '../edge/paging.js';

const name = namePattern.source.slice(1, -1);
const endpointName = z
  .string('is not an endpoint')
  .regex(new RegExp(`^(${serviceKinds.join('|')})\\.${name}\\.${name}$`), 'must be <kind>.<shard>.<endpoint>')
  .meta({ description: '<kind>.<shard>.<endpoint>, such as runner.runner-1.a' });
const query = z.strictObject(pageQuery);

const happeningSchema = z
  .object({
    sequence: z.int(),
    at: time,
    what: z.enum(['registered', 'removed', 'state', 'version', 'restarted', 'condition']),
    from: z.string().nullable(),
    to: z.string().nullable(),
    problem: z.string().nullable(),
  })
  .meta({ id: 'EndpointHappening' });

@Controller('admin/v1/fleet/endpoints')
export class FleetHistoryController {
  constructor(@Inject(fleetClient) private readonly fleet: FleetClient) {}

  /** What happened to an endpoint: states, versions, restarts, conditions. One that is gone is known as long as its history is kept. */
  @Get(':id/history')
  @RequirePermission('fleet.read')
  @Answers('Lists what happened to an endpoint, the newest first.', page(happeningSchema))
  async history(@Param('id', { schema: endpointName }) id: string, @Query({ schema: query }) { limit, cursor }: z.output<typeof query>) {
    const [kind = '', shardId = '', endpointId = ''] = id.split('.');
    const before = startNumberOf('endpoint-history', cursor) ?? 0;
    const { happenings, more } = await this.fleet.getEndpointHistory({ kind, shardId, endpointId, limit, before }, asCaller());
    const items = happenings.map((one) => ({
      sequence: one.sequence,
      at: one.at,
      what: one.what as z.output<typeof happeningSchema>['what'],
      from: orNull(one.from),
      to: orNull(one.to),
      problem: orNull(one.problem),
    }));
    return pageOf('endpoint-history', items, more ? (items.at(-1)?.sequence ?? 0) : 0);
  }
}
