import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { revertChange } from '../../config/change.js';
import { parseInput } from '../input.js';
import type { ConfigChangeDeps } from './deps.js';
import { fenceInput, identityInput, keyInput, reasonInput } from './input.js';

const input = z.object({ identity: identityInput, stagedBy: keyInput, fence: fenceInput, reason: reasonInput });

/** Takes back what a key staged, in whatever state it is; config/change.ts says what refuses it. */
export const revertConfig = ({ database, committed }: ConfigChangeDeps): Rpc<configV1.RevertConfigRequest, configV1.RevertConfigResponse> =>
  rpc('config.change', async (request) => {
    const { revision, position } = await revertChange(database, parseInput(input, request));
    if (position !== undefined) committed(position);
    return { revision };
  });
