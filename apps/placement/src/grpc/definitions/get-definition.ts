import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { readVersion } from '../../definitions/read.js';
import { nameInput, parseInput, revisionInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';
import { versionMessage } from './messages.js';

const input = z.object({ name: nameInput, version: revisionInput });

/** Answers a version with its content, the newest for 0, or definition_not_found. */
export const getDefinition = ({ database }: DefinitionDeps): Rpc<definitionV1.GetDefinitionRequest, definitionV1.GetDefinitionResponse> =>
  rpc('definition.read', async (request) => {
    const { name, version } = parseInput(input, request);
    const found = await readVersion(database, name, version);
    return { version: versionMessage(found), content: found.content };
  });
