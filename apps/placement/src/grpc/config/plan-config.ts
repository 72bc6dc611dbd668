import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import type { Content } from '../../config/domain/canonical.js';
import { diff } from '../../config/domain/diff.js';
import { ConfigError, type Problem } from '../../config/domain/problems.js';
import { withoutRetired } from '../../config/domains/define.js';
import { domains } from '../../config/domains/index.js';
import { readEffective } from '../../config/read.js';
import { findDocument } from '../../config/store/documents.js';
import { findContent } from '../../config/store/writes.js';
import { validateContent, worldOf } from '../../config/validate.js';
import { parseInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { changeMessage } from './diff-config.js';
import { goneContent, identityInput, sha256Input } from './input.js';

const input = z.object({ identity: identityInput, sha256: sha256Input });
/** More than a plan shows. */
const maxChanges = 200;

/** Tells what it would mean to put a content that is kept in force, with what is wrong with it by now; throws config_source when it is not kept. */
export const planConfig = (
  deps: ConfigDeps & { publicationProblem: () => string | undefined },
): Rpc<configV1.PlanConfigRequest, configV1.PlanConfigResponse> =>
  rpc('config.read', async (request) => {
    const { identity, sha256 } = parseInput(input, request);
    const text = await findContent(deps.database, sha256);
    if (text === undefined) throw goneContent(sha256);
    const current = await readEffective(deps.database, identity);
    const document = await findDocument(deps.database, identity);
    const [before, after] = [JSON.parse(current.content) as Content, JSON.parse(text) as Content];
    const domain = domains[identity.domain];
    const { services, tenants, everyTenant } = domain.impact(before, after, await worldOf(deps, identity, [before, after]), identity);
    const changes = diff(before, after);
    return {
      revision: current.row.revision,
      currentSha256: current.row.sha256,
      newest: document?.newest ?? 0,
      candidateRevision: current.candidateRevision,
      changes: changes.slice(0, maxChanges).map(changeMessage),
      changeCount: changes.length,
      problems: await problemsOf(deps, identity, after),
      ...{ services: [...services], tenants: [...tenants], everyTenant },
      followedByGateways: domain.followedByGateways(identity),
      publicationProblem: deps.publicationProblem() ?? '',
    };
  });

async function problemsOf(deps: ConfigDeps, identity: z.output<typeof identityInput>, content: Content): Promise<Problem[]> {
  try {
    await validateContent(deps, identity, withoutRetired(domains[identity.domain], content));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}
