/** Projects of orgs. Every change of one has locked the users, as changes of orgs have. */
import { FairleadError, newId, orgPath, projectPath } from '@fairlead/contracts';
import type { Principal } from '@fairlead/auth';
import { appendInTransaction, type NewEvent } from '@fairlead/event-log';
import type { Answering, Database, Transaction } from '@fairlead/postgres';
import { lockedCaller } from '../identity/callers.js';
import { takeBindingsWithin } from '../identity/role-bindings.js';
import { deleteProject, insertProject, updateProject, type Project } from '../store/projects.js';
import { deleteServiceAccount, insertServiceAccount } from '../store/service-accounts.js';
import { mustFindOrg, mustFindProject, noSuchProject, type ProjectName } from './find.js';
import { endKeysOf } from './keys.js';

/** A project and the position of the event that tells of it; undefined when nothing changed. */
export interface ToldProject {
  readonly project: Project;
  readonly position: number | undefined;
}

/**
 * Makes a project and records it; answers what is made of it and the event's position. Throws `org_not_found`, `already_exists`, and
 * `permission_denied` or `unauthenticated` when the caller may not manage projects on the whole org any more.
 */
export async function createProject<Answer>(
  caller: Principal,
  { org, name, displayName }: ProjectName & { displayName: string },
  answering: Answering<ToldProject, Answer>,
): Promise<Answer> {
  return answering(async (tx) => {
    await lockedCaller(tx, caller, 'project.manage', orgPath(org));
    const { orgId } = await mustFindOrg(tx, org);
    const project = await insertProject(tx, { projectId: newId('project'), orgId, name, displayName });
    if (project === undefined) throw new FairleadError('already_exists', `The org ${org} has a project ${name} already`);
    // As whom its keys act. Nobody signs in as it: no password is like this.
    const [known, shownAs] = [`${org}/${name}`, `${org}/${name} (project)`];
    await insertServiceAccount(tx, { serviceAccountId: project.projectId, name: known, shownAs, passwordHash: '*' });
    const payload = { org, name, display_name: displayName };
    const ofProject = { aggregateType: 'project', aggregateId: project.projectId, expectedVersion: 0 } as const;
    return { project, position: await record(tx, { ...ofProject, type: 'project_created', payload }) };
  });
}

/**
 * Changes what people call a project and records it. Throws `project_not_found`, `revision_mismatch`, and `permission_denied` or
 * `unauthenticated` when the caller may not manage it any more.
 */
export async function changeProject(
  database: Database,
  caller: Principal,
  { org, name }: ProjectName,
  { displayName, revision }: { displayName: string; revision: number | undefined },
): Promise<ToldProject> {
  return database.transaction(async (tx) => {
    await lockedCaller(tx, caller, 'project.manage', projectPath(org, name));
    const before = await mustFindProject(tx, { org, name }, revision);
    if (before.displayName === displayName) return { project: before, position: undefined };
    const project = await updateProject(tx, { projectId: before.projectId, displayName });
    if (project === undefined) throw noSuchProject({ org, name });
    const payload = { org, name, before: { display_name: before.displayName }, after: { display_name: displayName } };
    const event: NewEvent = { aggregateType: 'project', aggregateId: project.projectId, type: 'project_changed', payload };
    return { project, position: await record(tx, event) };
  });
}

/**
 * Deletes a project, with its keys and all roles that are held on it, and records it; answers the position. Throws `project_not_found`, `revision_mismatch`,
 * and as `changeProject`.
 */
export async function removeProject(
  database: Database,
  caller: Principal,
  { org, name }: ProjectName,
  revision: number | undefined,
): Promise<number> {
  return database.transaction(async (tx) => {
    await lockedCaller(tx, caller, 'project.manage', projectPath(org, name));
    const project = await mustFindProject(tx, { org, name }, revision);
    const { projectId, displayName } = project;
    const ended = await endKeysOf(tx, project);
    const taken = await takeBindingsWithin(tx, projectPath(org, name));
    await deleteProject(tx, projectId);
    await deleteServiceAccount(tx, projectId);
    const payload = { org, name, display_name: displayName };
    return record(tx, ...ended, ...taken, { aggregateType: 'project', aggregateId: projectId, type: 'project_deleted', payload });
  });
}

async function record(tx: Transaction, ...events: NewEvent[]): Promise<number> {
  return (await appendInTransaction(tx, { events })).lastPosition;
}
