import { z } from 'zod';
import { requirePermission } from '@fairlead/auth';
import { configPermission, type configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { forgetContents, keepContent } from '../../config/store/writes.js';
import { readRevision } from '../../config/read.js';
import { validateText } from '../../config/validate.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput, noSuchRevision } from './input.js';
import { documentInput } from './validate-config.js';

const restoreInput = z.object({ identity: identityInput, restoreRevision: revisionInput });

/**
 * Keeps a content by its hash, for a plan of those who may change the domain: a text, once it is right, or that of a revision.
 * Throws config_decode, config_invalid, config_not_found.
 */
export const prepareConfig = (deps: ConfigDeps): Rpc<configV1.PrepareConfigRequest, configV1.PrepareConfigResponse> =>
  rpc('config.write', async (request, { principal }) => {
    const { identity } = parseInput(z.object({ identity: identityInput }), request);
    requirePermission(principal, configPermission(identity.domain));
    const { content, sha256 } = await contentOf(deps, request);
    await deps.database.transaction(async (tx) => {
      await forgetContents(tx);
      await keepContent(tx, sha256, content);
    });
    return { sha256 };
  });

async function contentOf(deps: ConfigDeps, request: configV1.PrepareConfigRequest): Promise<{ content: string; sha256: string }> {
  if (request.restoreRevision === undefined) {
    const { identity, text, format } = parseInput(documentInput, request);
    return validateText(deps, identity, text, format);
  }
  const { identity, restoreRevision } = parseInput(restoreInput, request);
  const found = await readRevision(deps.database, identity, restoreRevision);
  if (found === undefined) throw noSuchRevision(identity, restoreRevision);
  return { content: found.content, sha256: found.row.sha256 };
}
