import type { projectionsV1 } from '@fairlead/contracts';
import { headPosition, listProjections as readProjections } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { projectionMessage } from './projections.js';

/** All projections, by name. */
export const listProjections = ({ sql }: { sql: Sql }): Rpc<projectionsV1.ListProjectionsRequest, projectionsV1.ListProjectionsResponse> =>
  rpc('projection.read', async () => {
    const projections = await readProjections(sql);
    return { projections: projections.map(projectionMessage), head: await headPosition(sql) };
  });
