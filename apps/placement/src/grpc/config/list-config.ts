import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { listDocuments } from '../../config/store/documents.js';
import { parseInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { domainOrAll, identityInput, limitInput } from './input.js';
import { revisionMessage } from './messages.js';

const input = z.object({ domain: domainOrAll, limit: limitInput, after: identityInput.optional() });

/** Lists the documents that were ever applied, by domain, scope and name; a limit of 0 means 100. */
export const listConfig = ({ database }: ConfigDeps): Rpc<configV1.ListConfigRequest, configV1.ListConfigResponse> =>
  rpc('config.read', async (request) => {
    const { domain, limit, after } = parseInput(input, request);
    const rows = await listDocuments(database, { domain, limit: limit + 1, after });
    return { documents: rows.slice(0, limit).map(revisionMessage), more: rows.length > limit };
  });
