import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { readEffective } from '../../config/read.js';
import { parseInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput } from './input.js';
import { revisionMessage } from './messages.js';

const input = z.object({ identity: identityInput });

/** Answers what is in force of a document: its domain's defaults, at revision 0, when nothing was ever applied. */
export const getConfig = ({ database }: ConfigDeps): Rpc<configV1.GetConfigRequest, configV1.GetConfigResponse> =>
  rpc('config.read', async (request) => {
    const { identity } = parseInput(input, request);
    const { row, content, candidateRevision } = await readEffective(database, identity);
    return { revision: revisionMessage(row), content, candidateRevision };
  });
