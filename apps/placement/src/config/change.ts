/** A change of what is in force, in the steps of a job: staged for some gateways, then promoted; or taken back. */
import { configPath, FairleadError, takenBackPrefix, type ConfigIdentity } from '@fairlead/contracts';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import type { Database, Transaction } from '@fairlead/postgres';
import { currentContext } from '@fairlead/telemetry';
import { holdVersions } from '../definitions/activations.js';
import { appliedEvent } from './apply-file.js';
import { canonicalForm, sha256Of, type Content } from './domain/canonical.js';
import { configError } from './domain/problems.js';
import { readRevision, type ReadRevision } from './read.js';
import type { DocumentRow } from './store/documents.js';
import {
  findChange,
  findContent,
  keepContent,
  lockDocument,
  putInForce,
  raiseFence,
  recordChange,
  stage,
  withdraw,
  writeRevision,
} from './store/writes.js';

const source = 'api';

export interface StageRequest {
  readonly identity: ConfigIdentity;
  readonly sha256: string;
  readonly expectedRevision: number;
  readonly gateways: readonly string[];
  readonly idempotencyKey: string;
  readonly fence: number;
  readonly reason: string;
}

/** What came of a change; without a position when nothing was written now. */
export interface ChangeOutcome {
  readonly revision: number;
  readonly gateways: readonly string[];
  readonly position: number | undefined;
}

/**
 * Writes a content that is kept as the document's next revision, for a sample of gateways to try. Throws `stale_fence`, `revision_mismatch` when something else is in
 * force than expected or is staged already, `idempotency_key_reused`, `config_source` when the content is gone, `config_invalid` when it
 * names what was retired since it was judged.
 */
export async function stageRevision(database: Database, request: StageRequest): Promise<ChangeOutcome> {
  const { identity, sha256, expectedRevision, gateways, idempotencyKey, fence, reason } = request;
  // Who tries it is left out: a repeat may find other gateways alive, and is answered with those of the first time.
  const digest = sha256Of(canonicalForm({ path: configPath(identity), sha256, expectedRevision, reason }));
  return fenced(database, identity, fence, async (tx, document) => {
    const earlier = await findChange(tx, idempotencyKey);
    if (earlier !== undefined) {
      if (earlier.requestDigest !== digest)
        throw new FairleadError('idempotency_key_reused', 'This idempotency key belongs to another change');
      return { revision: earlier.revision, gateways: document.candidateGateways, position: undefined };
    }
    if (document.revision !== expectedRevision || document.candidateRevision !== null) throw moved(identity, document, expectedRevision);
    const content = await findContent(tx, sha256);
    if (content === undefined) throw gone(sha256);
    await holdVersions(tx, identity, JSON.parse(content) as Content);
    const revision = document.newest + 1;
    await writeRevision(tx, identity, { revision, sha256, source, updatedBy: author(), reason });
    await stage(tx, identity, revision, gateways);
    await recordChange(tx, idempotencyKey, digest, revision);
    const position = await append(tx, {
      ...{ aggregateType: 'config', aggregateId: configPath(identity), type: 'config_staged', meta: { reason } },
      payload: {
        ...{ ...nameOf(identity), revision, sha256, effective_revision: document.revision, gateways: [...gateways] },
        ...{ source, idempotency_key: idempotencyKey, fence },
      },
    });
    return { revision, gateways, position };
  });
}

/** Puts what is staged in force; nothing when it is already. Throws `stale_fence`, and `revision_mismatch` when it is neither staged nor in force. */
export async function promoteRevision(
  database: Database,
  request: { identity: ConfigIdentity; revision: number; restored: number | undefined; fence: number; reason: string },
): Promise<ChangeOutcome> {
  const { identity, revision, restored, fence, reason } = request;
  return fenced(database, identity, fence, async (tx, document) => {
    if (document.revision === revision) return { revision, gateways: [], position: undefined };
    if (document.candidateRevision !== revision) throw moved(identity, document, revision);
    const { sha256 } = (await read(tx, identity, revision)).row;
    await putInForce(tx, identity, revision);
    const applied = { revision, sha256, source };
    const position = await append(tx, appliedEvent(identity, applied, document.revision, { restored, reason }));
    return { revision, gateways: [], position };
  });
}

/**
 * Takes back what a key staged: withdraws it; or, when it came into force, puts the content from before in force again, as a new revision whose reason says so. Nothing when it staged nothing, or
 * what it staged is neither. Throws `stale_fence`.
 */
export async function revertChange(
  database: Database,
  request: { identity: ConfigIdentity; stagedBy: string; fence: number; reason: string },
): Promise<ChangeOutcome> {
  const { identity, stagedBy, fence, reason } = request;
  return fenced(database, identity, fence, async (tx, document) => {
    const staged = await findChange(tx, stagedBy);
    const unchanged = { revision: document.revision, gateways: [], position: undefined };
    if (staged === undefined) return unchanged;
    const { revision } = staged;
    if (document.candidateRevision === revision) {
      const { sha256 } = (await read(tx, identity, revision)).row;
      await withdraw(tx, identity);
      const position = await append(tx, {
        ...{ aggregateType: 'config', aggregateId: configPath(identity), type: 'config_withdrawn', meta: { reason } },
        payload: { ...nameOf(identity), revision, sha256, effective_revision: document.revision },
      });
      return { ...unchanged, position };
    }
    if (document.revision !== revision) return unchanged;
    return restore(tx, identity, document, await beforeIt(tx, identity, revision), reason);
  });
}

async function restore(
  tx: Transaction,
  identity: ConfigIdentity,
  document: DocumentRow,
  { row: before, content }: ReadRevision,
  given: string,
): Promise<ChangeOutcome> {
  // The reason that is given is that of the change: what comes back does so because that is taken back.
  const reason = `${takenBackPrefix}${given}`;
  const revision = document.newest + 1;
  await keepContent(tx, before.sha256, content);
  await writeRevision(tx, identity, { revision, sha256: before.sha256, source, updatedBy: author(), reason });
  await putInForce(tx, identity, revision);
  const applied = { revision, sha256: before.sha256, source };
  const position = await append(tx, appliedEvent(identity, applied, document.revision, { restored: before.revision, reason }));
  return { revision, gateways: [], position };
}

/** What was in force before a revision came into force. */
async function beforeIt(tx: Transaction, identity: ConfigIdentity, revision: number): Promise<ReadRevision> {
  const { domain, scope, name } = identity;
  const [row] = await tx.query<{ revision: number }>(
    `select coalesce(max(revision), 0) as revision from config_revision
     where (domain, scope, name) = ($1, $2, $3) and revision < $4 and effective_at is not null`,
    [domain, scope, name, revision],
  );
  return read(tx, identity, row?.revision ?? 0);
}

async function read(tx: Transaction, identity: ConfigIdentity, revision: number): Promise<ReadRevision> {
  const found = await readRevision(tx, identity, revision);
  if (found === undefined) throw new Error('a revision that was given out is there');
  return found;
}

/** Works on a document under its lock; a lower fence than the highest is refused, and a refusal remembers its fence. */
async function fenced(
  database: Database,
  identity: ConfigIdentity,
  fence: number,
  work: (tx: Transaction, document: DocumentRow) => Promise<ChangeOutcome>,
): Promise<ChangeOutcome> {
  const result = await database.transaction<ChangeOutcome | FairleadError>(async (tx) => {
    const document = await lockDocument(tx, identity);
    if (fence < document.highestFence)
      return new FairleadError('stale_fence', `Another run has taken over ${configPath(identity)}`, {
        details: { fence, highest_fence: document.highestFence },
      });
    await raiseFence(tx, identity, fence);
    try {
      return await work(tx, document);
    } catch (error) {
      // All refusals come before anything is written: the fence that came with them is to be committed.
      if (error instanceof FairleadError && certain.has(error.code)) return error;
      throw error;
    }
  });
  await failpoint('placement.config.after_commit');
  if (result instanceof FairleadError) throw result;
  return result;
}

const certain: ReadonlySet<string> = new Set(['revision_mismatch', 'idempotency_key_reused', 'config_source', 'config_invalid']);

async function append(tx: Transaction, event: NewEvent): Promise<number> {
  const { lastPosition } = await appendInTransaction(tx, { events: [event] });
  return lastPosition;
}

function moved(identity: ConfigIdentity, document: DocumentRow, expected: number): FairleadError {
  const staged = document.candidateRevision === null ? '' : `, and revision ${String(document.candidateRevision)} is staged`;
  return new FairleadError(
    'revision_mismatch',
    `${configPath(identity)} has changed: revision ${String(document.revision)} is in force${staged}`,
    {
      details: { expected, actual: document.revision, staged: document.candidateRevision },
    },
  );
}

function gone(sha256: string): FairleadError {
  return configError('config_source', [{ pointer: '', detail: `the content ${sha256} is not kept any more; plan again` }]);
}

function nameOf({ domain, name, scope }: ConfigIdentity) {
  return { domain, name, scope };
}

const author = () => currentContext()?.principal ?? 'service:placement';
