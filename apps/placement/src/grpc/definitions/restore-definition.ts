import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { restoreVersion } from '../../definitions/retire.js';
import { parseInput } from '../input.js';
import type { DefinitionChangeDeps } from './deps.js';
import { changeInput } from './input.js';
import { versionMessage } from './messages.js';

/** Takes a retirement back; see definitions/retire.ts for what refuses it. */
export const restoreDefinition = ({
  database,
  committed,
}: DefinitionChangeDeps): Rpc<definitionV1.RestoreDefinitionRequest, definitionV1.RestoreDefinitionResponse> =>
  rpc('definition.write', async (request) => {
    const { version, position } = await restoreVersion(database, parseInput(changeInput, request));
    if (position > 0) committed(position);
    return { version: versionMessage(version), position };
  });
