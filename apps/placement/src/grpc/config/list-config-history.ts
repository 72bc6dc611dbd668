import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listRevisions } from '../../config/store/documents.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput, limitInput } from './input.js';
import { revisionMessage } from './messages.js';

const input = z.object({ identity: identityInput, limit: limitInput, before: revisionInput });

/** Lists a document's revisions, the newest first; none of one that was never written. A limit of 0 means 100. */
export const listConfigHistory = ({ database }: ConfigDeps): Rpc<configV1.ListConfigHistoryRequest, configV1.ListConfigHistoryResponse> =>
  rpc('config.read', async (request) => {
    const { identity, limit, before } = parseInput(input, request);
    const rows = await listRevisions(database, identity, { limit: limit + 1, before });
    return { revisions: rows.slice(0, limit).map(revisionMessage), more: rows.length > limit };
  });
