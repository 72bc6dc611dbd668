/** What there is, for those who change it. */
import { FairleadError } from '@fairlead/contracts';
import type { Transaction } from '@fairlead/postgres';
import { findOrg, type Org } from '../store/orgs.js';
import { findProject, type Project } from '../store/projects.js';

/** Which project is meant: by its name within its org. */
export interface ProjectName {
  readonly org: string;
  readonly name: string;
}

/** An org by its name, of the revision that a change is for. Throws `org_not_found`, `revision_mismatch`. */
export async function mustFindOrg(tx: Transaction, name: string, revision?: number): Promise<Org> {
  const org = await findOrg(tx, name);
  if (org === undefined) throw noSuchOrg(name);
  if (revision !== undefined && revision !== org.revision)
    throw new FairleadError('revision_mismatch', `The org has been changed since: the revision is ${String(org.revision)} now`, {
      details: { revision: org.revision },
    });
  return org;
}

/** What is thrown for an org that is not there, or no longer. */
export function noSuchOrg(name: string): FairleadError {
  return new FairleadError('org_not_found', `There is no org ${name}`);
}

/** A project by its name, of the revision that a change is for. Throws `project_not_found`, `revision_mismatch`. */
export async function mustFindProject(tx: Transaction, { org, name }: ProjectName, revision?: number): Promise<Project> {
  const project = await findProject(tx, org, name);
  if (project === undefined) throw noSuchProject({ org, name });
  if (revision !== undefined && revision !== project.revision)
    throw new FairleadError('revision_mismatch', `The project has been changed since: the revision is ${String(project.revision)} now`, {
      details: { revision: project.revision },
    });
  return project;
}

/** What is thrown for a project that is not there, or no longer. */
export function noSuchProject({ org, name }: ProjectName): FairleadError {
  return new FairleadError('project_not_found', `The org ${org} has no project ${name}`);
}
