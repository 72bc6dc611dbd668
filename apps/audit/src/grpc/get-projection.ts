import { z } from 'zod';
import type { projectionsV1 } from '@fairlead/contracts';
import { headPosition } from '@fairlead/event-log';
import type { Sql } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { findProjection } from '../projection-control.js';
import { parseInput } from './input.js';
import { projectionMessage, projectionName } from './projections.js';

const requestSchema = z.object({ name: projectionName });

/** One projection. Throws `projection_not_found`. */
export const getProjection = ({ sql }: { sql: Sql }): Rpc<projectionsV1.GetProjectionRequest, projectionsV1.GetProjectionResponse> =>
  rpc('projection.read', async (request) => {
    const projection = await findProjection(sql, parseInput(requestSchema, request).name);
    return { projection: projectionMessage(projection), head: await headPosition(sql) };
  });
