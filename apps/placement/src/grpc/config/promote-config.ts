import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { promoteRevision } from '../../config/change.js';
import { readOwnState } from '../../tenants/store/meta.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigChangeDeps } from './deps.js';
import { fenceInput, identityInput, reasonInput } from './input.js';

const input = z.object({
  identity: identityInput,
  revision: revisionInput.positive('a revision that is staged'),
  /** -1: the defaults; 0: none is restored. */
  restoredRevision: z.number().int().min(-1, 'a revision, or -1'),
  fence: fenceInput,
  reason: reasonInput,
});

/** Puts a revision that is staged in force; config/change.ts says what refuses it. */
export const promoteConfig = ({
  database,
  committed,
}: ConfigChangeDeps): Rpc<configV1.PromoteConfigRequest, configV1.PromoteConfigResponse> =>
  rpc('config.change', async (request) => {
    const { restoredRevision, ...asked } = parseInput(input, request);
    const restored = restoredRevision === 0 ? undefined : Math.max(0, restoredRevision);
    const { revision, position } = await promoteRevision(database, { ...asked, restored });
    if (position !== undefined) committed(position);
    return { revision, epoch: (await readOwnState(database)).epoch };
  });
