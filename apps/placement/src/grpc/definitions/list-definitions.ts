import { z } from 'zod';
import { definitionKinds, namePattern, type definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listDefinitions as readDefinitions } from '../../definitions/store/definitions.js';
import { limitInput } from '../config/input.js';
import { nameInput, parseInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';
import { versionMessage } from './messages.js';

const input = z.object({
  kind: z.enum(definitionKinds, `one of ${definitionKinds.join(', ')}`).or(z.literal('')),
  // With a letter more it has to be a name.
  namePrefix: z.string().refine((prefix) => namePattern.test(`${prefix.slice(0, 62)}x`), 'the beginning of a name'),
  limit: limitInput,
  after: nameInput.or(z.literal('')),
});

/** Lists definitions by name, each with its newest version; a limit of 0 means 100. */
export const listDefinitions = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.ListDefinitionsRequest, definitionV1.ListDefinitionsResponse> =>
  rpc('definition.read', async (request) => {
    const { limit, ...page } = parseInput(input, request);
    const rows = await readDefinitions(database, { ...page, limit: limit + 1 });
    return { definitions: rows.slice(0, limit).map(versionMessage), more: rows.length > limit };
  });
