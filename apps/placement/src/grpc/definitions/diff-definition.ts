import { z } from 'zod';
import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { diff } from '../../config/domain/diff.js';
import { readVersion } from '../../definitions/read.js';
import { changeMessage } from '../config/diff-config.js';
import { nameInput, parseInput, revisionInput } from '../input.js';
import type { DefinitionDeps } from './deps.js';

const version = revisionInput.positive('a version');
const input = z.object({ name: nameInput, fromVersion: version, toVersion: version });

/** Tells what has to be done to one version to make it the other, or definition_not_found. */
export const diffDefinition = ({
  database,
}: DefinitionDeps): Rpc<definitionV1.DiffDefinitionRequest, definitionV1.DiffDefinitionResponse> =>
  rpc('definition.read', async (request) => {
    const { name, fromVersion, toVersion } = parseInput(input, request);
    const contentOf = async (of: number): Promise<unknown> => JSON.parse((await readVersion(database, name, of)).content);
    return { changes: diff(await contentOf(fromVersion), await contentOf(toVersion)).map(changeMessage) };
  });
