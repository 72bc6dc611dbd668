import type { definitionV1 } from '@fairlead/contracts';
import { answeringOnce, keyedCall } from '@fairlead/postgres';
import { rpc, type Rpc } from '@fairlead/rpc';
import { putDefinition as addVersion, type PutVersion } from '../../definitions/put.js';
import { readDefinition } from '../../definitions/validate.js';
import { reasonInput } from '../config/input.js';
import { parseInput } from '../input.js';
import type { DefinitionChangeDeps } from './deps.js';
import { versionMessage } from './messages.js';
import { textInput } from './validate-definition.js';

const input = textInput.extend({ reason: reasonInput });

/** Adds a definition's next version; see definitions/put.ts for what refuses it. */
export const putDefinition = ({
  idempotency,
  committed,
}: DefinitionChangeDeps): Rpc<definitionV1.PutDefinitionRequest, definitionV1.PutDefinitionResponse> =>
  rpc('definition.write', async (request, { principal }) => {
    const { format, text, reason } = parseInput(input, request);
    const valid = readDefinition(text, format);
    const keyed = keyedCall('putDefinition', request, principal.id);
    const answering = answeringOnce({ idempotency }, keyed, ({ version, ...rest }: PutVersion) => ({
      ...{ version: versionMessage(version), ...rest },
    }));
    const answer = await addVersion(valid, reason, answering);
    if (answer.position > 0) committed(answer.position);
    return answer;
  });
