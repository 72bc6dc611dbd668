import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { activationKey, listActivations as readActivations } from '../../definitions/activations.js';
import { noSuchVersion } from '../../definitions/read.js';
import { findKind } from '../../definitions/store/definitions.js';
import { limitInput } from '../config/input.js';
import { nameInput, parseInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';
import { activationMessage } from './messages.js';

const input = z.object({ name: nameInput, limit: limitInput, after: z.string().max(512, 'is too long') });

/** Lists who is given which version of a definition, in the order of tenants, or definition_not_found. A limit of 0 means 100. */
export const listActivations = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.ListActivationsRequest, definitionV1.ListActivationsResponse> =>
  rpc('definition.read', async (request) => {
    const { name, limit, after } = parseInput(input, request);
    if ((await findKind(database, name)) === undefined) throw noSuchVersion(name, 0);
    const rest = (await readActivations(database, name)).filter((one) => after === '' || activationKey(one) > after);
    return { activations: rest.slice(0, limit).map(activationMessage), more: rest.length > limit };
  });
