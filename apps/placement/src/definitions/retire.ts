import { FairleadError } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import type { Database, Transaction } from '@fairlead/postgres';
import { listActivations } from './activations.js';
import { author } from './put.js';
import { noSuchVersion, readVersion } from './read.js';
import { lockVersion, markRetired, type VersionRow } from './store/definitions.js';

export interface ChangedVersion {
  readonly version: VersionRow;
  /** Log position of the change's event; 0 when nothing had to change. */
  readonly position: number;
}

interface Request {
  readonly name: string;
  readonly version: number;
  readonly reason: string;
}

/**
 * Lets a version be given to nobody any more; it stays, with its content. Throws `definition_not_found`, and `definition_in_use` while it is given to a tenant, or by a
 * document that is staged.
 */
export async function retireVersion(database: Database, request: Request): Promise<ChangedVersion> {
  const { name, version, reason } = request;
  return changing(database, request, async (tx, row) => {
    if (row.retiredAt !== null) return undefined;
    // Read under the version's lock: a document that names it was committed before, or finds it retired.
    const users = (await listActivations(tx, name)).filter((one) => one.version === version);
    if (users.length > 0) throw inUse(request, [...new Set(users.map(({ tenantId }) => tenantId))]);
    await markRetired(tx, name, version, { principal: author(), reason });
    return 'definition_version_retired';
  });
}

/** Takes a retirement back; nothing when the version is not retired. Throws `definition_not_found`. */
export async function restoreVersion(database: Database, request: Request): Promise<ChangedVersion> {
  return changing(database, request, async (tx, row) => {
    if (row.retiredAt === null) return undefined;
    await markRetired(tx, request.name, request.version, undefined);
    return 'definition_version_restored';
  });
}

async function changing(
  database: Database,
  { name, version, reason }: Request,
  change: (tx: Transaction, row: VersionRow) => Promise<'definition_version_retired' | 'definition_version_restored' | undefined>,
): Promise<ChangedVersion> {
  return database.transaction(async (tx) => {
    if (!(await lockVersion(tx, name, version))) throw noSuchVersion(name, version);
    const row = await readVersion(tx, name, version);
    const type = await change(tx, row);
    if (type === undefined) return { version: row, position: 0 };
    const { lastPosition } = await appendInTransaction(tx, {
      events: [
        { ...{ aggregateType: 'definition', aggregateId: name, type, meta: { reason } }, payload: { name, version, sha256: row.sha256 } },
      ],
    });
    return { version: await readVersion(tx, name, version), position: lastPosition };
  });
}

function inUse({ name, version }: Request, users: readonly (string | null)[]): FairleadError {
  const tenants = users.filter((tenant) => tenant !== null);
  const everybody = users.length > tenants.length ? ' for everybody' : '';
  return new FairleadError('definition_in_use', `Version ${String(version)} of ${name} is active${everybody}: activate another one first`, {
    details: { name, version, tenants: tenants.slice(0, 20), default: users.length > tenants.length },
  });
}
