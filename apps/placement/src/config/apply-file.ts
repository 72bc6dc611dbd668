import type { ConfigIdentity } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database } from '@fairlead/postgres';
import { currentContext } from '@fairlead/telemetry';
import { holdVersions } from '../definitions/activations.js';
import { lastOfSource, keepContent, lockDocument, putInForce, writeRevision } from './store/writes.js';
import type { ValidDocument } from './validate.js';

const source = 'dev_file';

/**
 * Puts the content of a file in force as a new revision; nothing when it is what the file gave last, so that a start of the service does
 * not take back what was applied since. Throws `config_invalid` for what was retired since it was judged. Answers the event's position, or undefined.
 */
export async function applyFile(
  database: Database,
  identity: ConfigIdentity,
  { document: read, content, sha256 }: ValidDocument,
): Promise<number | undefined> {
  return database.transaction(async (tx) => {
    const document = await lockDocument(tx, identity);
    if ((await lastOfSource(tx, identity, source)) === sha256) return undefined;
    await holdVersions(tx, identity, read);
    const revision = document.newest + 1;
    await keepContent(tx, sha256, content);
    await writeRevision(tx, identity, {
      ...{ revision, sha256, source },
      updatedBy: currentContext()?.principal ?? 'service:placement',
      reason: 'the file was changed',
    });
    await putInForce(tx, identity, revision);
    const { lastPosition } = await appendInTransaction(tx, {
      events: [appliedEvent(identity, { revision, sha256, source }, document.revision)],
    });
    return lastPosition;
  });
}

/** The event of a revision that came into force. */
export function appliedEvent(
  identity: ConfigIdentity,
  applied: { revision: number; sha256: string; source: string },
  previous: number,
  options: { restored?: number; reason?: string } = {},
) {
  const { domain, name, scope } = identity;
  return {
    aggregateType: 'config' as const,
    aggregateId: `${domain}/${scope}/${name}`,
    type: 'config_applied' as const,
    payload: { domain, name, scope, ...applied, previous_revision: previous, restored_revision: options.restored ?? null },
    ...(options.reason === undefined ? {} : { meta: { reason: options.reason } }),
  };
}
