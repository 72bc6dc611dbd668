/**
 * Orgs, which projects belong to. Every change of one has locked the users, as changes of bindings have: what there is and who holds roles on it
 * are judged together, so that no role is left on the path of what is gone.
 */
import { FairleadError, newId, orgPath, platformPath } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { lockedCaller } from '../identity/callers.js';
import { takeBindingsWithin } from '../identity/role-bindings.js';
import { deleteOrg, insertOrg, updateOrg, type Org } from '../store/orgs.js';
import { countProjectsOf } from '../store/projects.js';
import { mustFindOrg, noSuchOrg } from './find.js';

/** An org and the position of the event that tells of it; undefined when nothing changed. */
export interface ToldOrg {
  readonly org: Org;
  readonly position: number | undefined;
}

/**
 * Makes an org and records it; answers what is made of it and the event's position. Throws `already_exists`, and `permission_denied` or
 * `unauthenticated` when the caller may not manage orgs on the whole platform any more.
 */
export async function createOrg<Answer>(
  caller: Principal,
  { name, displayName }: { name: string; displayName: string },
  answering: Answering<ToldOrg, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    await lockedCaller(tx, caller, 'org.manage', platformPath);
    const org = await insertOrg(tx, { orgId: newId('org'), name, displayName });
    if (org === undefined) throw new FairleadError('already_exists', `There is an org ${name} already`);
    const payload = { name, display_name: displayName };
    const event: NewEvent = { aggregateType: 'org', aggregateId: org.orgId, expectedVersion: 0, type: 'org_created', payload };
    return { org, position: await record(tx, event) };
  });
}

/**
 * Changes what people call an org and records it. Throws `org_not_found`, `revision_mismatch`, and `permission_denied` or `unauthenticated` when
 * the caller may not manage it any more.
 */
export async function changeOrg(
  database: Database,
  caller: Principal,
  name: string,
  { displayName, revision }: { displayName: string; revision: number | undefined },
): Promise<ToldOrg> {
  return database.transaction(async (tx) => {
    await lockedCaller(tx, caller, 'org.manage', orgPath(name));
    const before = await mustFindOrg(tx, name, revision);
    if (before.displayName === displayName) return { org: before, position: undefined };
    const org = await updateOrg(tx, { orgId: before.orgId, displayName });
    if (org === undefined) throw noSuchOrg(name);
    const payload = { name, before: { display_name: before.displayName }, after: { display_name: displayName } };
    return { org, position: await record(tx, { aggregateType: 'org', aggregateId: org.orgId, type: 'org_changed', payload }) };
  });
}

/**
 * Deletes an org without projects, with all roles that are held on it, and records it; answers the position. Throws `org_not_found`,
 * `revision_mismatch`, `org_in_use` while it has projects, and as `changeOrg`.
 */
export async function removeOrg(database: Database, caller: Principal, name: string, revision: number | undefined): Promise<number> {
  return database.transaction(async (tx) => {
    await lockedCaller(tx, caller, 'org.manage', orgPath(name));
    const org = await mustFindOrg(tx, name, revision);
    const projects = await countProjectsOf(tx, org.orgId);
    if (projects > 0) throw new FairleadError('org_in_use', `The org ${name} has projects: delete them first`, { details: { projects } });
    const taken = await takeBindingsWithin(tx, orgPath(name));
    await deleteOrg(tx, org.orgId);
    const payload = { name, display_name: org.displayName };
    return record(tx, ...taken, { aggregateType: 'org', aggregateId: org.orgId, type: 'org_deleted', payload });
  });
}

async function record(tx: Transaction, ...events: NewEvent[]): Promise<number> {
  return (await appendInTransaction(tx, { events })).lastPosition;
}
