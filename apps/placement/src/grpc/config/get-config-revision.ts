import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { readRevision } from '../../config/read.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput, noSuchRevision } from './input.js';
import { revisionMessage } from './messages.js';

const input = z.object({ identity: identityInput, revision: revisionInput });

/** Answers one revision with its content, or config_not_found; revision 0 is the domain's defaults. */
export const getConfigRevision = ({ database }: ConfigDeps): Rpc<configV1.GetConfigRevisionRequest, configV1.GetConfigRevisionResponse> =>
  rpc('config.read', async (request) => {
    const { identity, revision } = parseInput(input, request);
    const found = await readRevision(database, identity, revision);
    if (found === undefined) throw noSuchRevision(identity, revision);
    return { revision: revisionMessage(found.row), content: found.content };
  });
