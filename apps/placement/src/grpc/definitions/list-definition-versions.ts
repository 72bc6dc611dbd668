import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { noSuchVersion } from '../../definitions/read.js';
import { findKind, listVersions } from '../../definitions/store/definitions.js';
import { limitInput } from '../config/input.js';
import { nameInput, parseInput, revisionInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';
import { versionMessage } from './messages.js';

const input = z.object({ name: nameInput, limit: limitInput, before: revisionInput });

/** Lists a definition's versions, the newest first, or definition_not_found. A limit of 0 means 100. */
export const listDefinitionVersions = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.ListDefinitionVersionsRequest, definitionV1.ListDefinitionVersionsResponse> =>
  rpc('definition.read', async (request) => {
    const { name, limit, before } = parseInput(input, request);
    if ((await findKind(database, name)) === undefined) throw noSuchVersion(name, 0);
    const rows = await listVersions(database, name, { limit: limit + 1, before });
    return { versions: rows.slice(0, limit).map(versionMessage), more: rows.length > limit };
  });
