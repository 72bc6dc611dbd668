import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { stageRevision } from '../../config/change.js';
import { readOwnState } from '../../tenants/store/meta.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigChangeDeps } from './deps.js';
import { fenceInput, identityInput, keyInput, reasonInput, sha256Input } from './input.js';

const input = z.object({
  identity: identityInput,
  sha256: sha256Input,
  expectedRevision: revisionInput,
  gateways: z
    .array(z.string().regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, 'a gateway shard and an endpoint of it: shard/endpoint'))
    .max(1_000, 'at most 1000 gateways'),
  idempotencyKey: keyInput,
  fence: fenceInput,
  reason: reasonInput,
});

/** Writes a revision for a sample of gateways to try; config/change.ts says what refuses it. */
export const stageConfig = ({ database, committed }: ConfigChangeDeps): Rpc<configV1.StageConfigRequest, configV1.StageConfigResponse> =>
  rpc('config.change', async (request) => {
    const { revision, gateways, position } = await stageRevision(database, parseInput(input, request));
    if (position !== undefined) committed(position);
    return { revision, gateways: [...gateways], epoch: (await readOwnState(database)).epoch };
  });
