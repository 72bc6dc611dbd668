import { z } from 'zod';
import type { configV1 } from '@fairlead/contracts';
import { rpc, type Rpc } from '@fairlead/rpc';
import { diff, type Change } from '../../config/domain/diff.js';
import { pointerOf } from '../../config/domain/problems.js';
import { readRevision } from '../../config/read.js';
import { parseInput, revisionInput } from '../input.js';
import type { ConfigDeps } from './deps.js';
import { identityInput, noSuchRevision } from './input.js';

const input = z.object({ identity: identityInput, fromRevision: revisionInput, toRevision: revisionInput });

/** Tells what has to be done to one revision to make it the other, or config_not_found; revision 0 is the domain's defaults. */
export const diffConfig = ({ database }: ConfigDeps): Rpc<configV1.DiffConfigRequest, configV1.DiffConfigResponse> =>
  rpc('config.read', async (request) => {
    const { identity, fromRevision, toRevision } = parseInput(input, request);
    const contentOf = async (revision: number): Promise<unknown> => {
      const found = await readRevision(database, identity, revision);
      if (found === undefined) throw noSuchRevision(identity, revision);
      return JSON.parse(found.content);
    };
    return { changes: diff(await contentOf(fromRevision), await contentOf(toRevision)).map(changeMessage) };
  });

/** A change, its values as JSON. */
export function changeMessage(change: Change): configV1.ConfigChange {
  return {
    op: change.op,
    pointer: pointerOf(change.path),
    before: change.op === 'added' ? '' : JSON.stringify(change.before),
    after: change.op === 'removed' ? '' : JSON.stringify(change.after),
  };
}
