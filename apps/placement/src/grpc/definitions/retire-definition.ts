import type { definitionV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { retireVersion } from '../../definitions/retire.js';
import { parseInput } from '../input.js';
import type { DefinitionChangeDeps } from './deps.js';
import { changeInput } from './input.js';
import { versionMessage } from './messages.js';

/** Lets a version be given to nobody any more; see definitions/retire.ts for what refuses it. */
export const retireDefinition = ({
  database,
  committed,
}: DefinitionChangeDeps): Rpc<definitionV1.RetireDefinitionRequest, definitionV1.RetireDefinitionResponse> =>
  rpc('definition.write', async (request) => {
    const { version, position } = await retireVersion(database, parseInput(changeInput, request));
    if (position > 0) committed(position);
    return { version: versionMessage(version), position };
  });
