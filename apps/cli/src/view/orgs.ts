/** Orgs, projects and their keys, as people read them. */
import type { Org, Project, ProjectKey } from '../orgs-api.js';
import { fields, table } from './table.js';

export function renderOrgs(orgs: readonly Org[]): string {
  return table(
    ['name', 'display name', 'revision', 'created'],
    orgs.map((org) => [org.name, org.display_name, org.revision, org.created_at]),
  );
}

export function renderOrg(org: Org): string {
  return fields([
    ['name', org.name],
    ['display name', org.display_name],
    ['scope', org.scope],
    ['revision', org.revision],
  ]);
}

export function renderProjects(projects: readonly Project[]): string {
  return table(
    ['name', 'display name', 'principal', 'revision', 'created'],
    projects.map((project) => [project.name, project.display_name, project.principal, project.revision, project.created_at]),
  );
}

export function renderProject(project: Project): string {
  return fields([
    ['org', project.org],
    ['name', project.name],
    ['display name', project.display_name],
    ['scope', project.scope],
    ['principal', project.principal],
    ['revision', project.revision],
  ]);
}

export function renderKeys(keys: readonly ProjectKey[]): string {
  return table(
    ['id', 'name', 'role', 'expires', 'last used', 'revoked', 'before until'],
    keys.map((key) => [key.key_id, key.name, key.role, key.expires_at, key.last_used_at, key.revoked_at, key.previous_until]),
  );
}

/** A key with the secret that is shown once. */
export function renderNewKey(created: ProjectKey & { key: string }): string {
  return fields([
    ['key', created.key],
    ['id', created.key_id],
    ['role', created.role],
    ...(created.previous_until == null ? [] : [['before', `works until ${created.previous_until}`] as const]),
    ['expires', created.expires_at],
  ]);
}
