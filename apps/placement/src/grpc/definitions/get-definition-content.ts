import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { readContent } from '../../definitions/read.js';
import { sha256Input } from '../config/input.js';
import { parseInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';
import { versionMessage } from './messages.js';

const input = z.object({ sha256: sha256Input });

/** Answers the version that has a content, or definition_not_found. */
export const getDefinitionContent = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.GetDefinitionContentRequest, definitionV1.GetDefinitionContentResponse> =>
  rpc('definition.read', async (request) => {
    const found = await readContent(database, parseInput(input, request).sha256);
    return { version: versionMessage(found), content: found.content };
  });
