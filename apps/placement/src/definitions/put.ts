import { appendInTransaction } from '@fairlead/event-log';
import type { Answering } from '@fairlead/postgres';
import { currentContext } from '@fairlead/telemetry';
import { findContent, findVersion, lockDefinition, writeVersion, type VersionRow } from './store/definitions.js';
import { checkKind, type ValidDefinition } from './validate.js';

export interface PutVersion {
  readonly version: VersionRow;
  /** False when the content was there already. */
  readonly added: boolean;
  /** Log position of the version's event; 0 when nothing was written. */
  readonly position: number;
}

/**
 * Adds a definition's next version. A content that is there already is answered with the version that has it, retired or not. Throws `config_invalid` for another
 * kind than the definition has.
 */
export async function putDefinition<Answer>(
  { definition, content, sha256 }: ValidDefinition,
  reason: string,
  answering: Answering<PutVersion, Answer>,
): Promise<Answer> {
  const { name, kind, description } = definition;
  return answering(async (tx) => {
    const { newest } = await lockDefinition(tx, name, kind);
    await checkKind(tx, definition);
    const present = await findContent(tx, sha256);
    if (present !== undefined) return { version: present, added: false, position: 0 };
    const version = newest + 1;
    await writeVersion(tx, { name, version, sha256, content, description, createdBy: author(), reason });
    const written = await findVersion(tx, name, version);
    if (written === undefined) throw new Error('a version that was written is there');
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        {
          ...{ aggregateType: 'definition', aggregateId: name, type: 'definition_version_added', meta: { reason } },
          payload: { name, kind, version, sha256 },
        },
      ],
    });
    return { version: written, added: true, position: lastPosition };
  });
}

/** Who asks, for the rows that tell it. */
export const author = () => currentContext()?.principal ?? 'service:placement';
