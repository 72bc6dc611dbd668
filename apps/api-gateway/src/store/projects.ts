import type { Sql } from '@fairlead/postgres';

/** A project of an org. */
export interface Project {
  /** `prj_…` */
  readonly projectId: string;
  /** The name of its org. */
  readonly org: string;
  /** As its scope path names it, within its org. */
  readonly name: string;
  readonly displayName: string;
  /** Raised by each change. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `project_id as "projectId", (select org.name from org where org.org_id = project.org_id) as org, name,
  display_name as "displayName", revision, created_at as "createdAt", updated_at as "updatedAt"`;

/** Inserts a project and answers it; undefined when its org has one of that name. */
export async function insertProject(
  tx: Sql,
  project: { projectId: string; orgId: string; name: string; displayName: string },
): Promise<Project | undefined> {
  const [inserted] = await tx.query<Project>(
    `insert into project (project_id, org_id, name, display_name) values ($1, $2, $3, $4)
     on conflict (org_id, name) do nothing returning ${columns}`,
    [project.projectId, project.orgId, project.name, project.displayName],
  );
  return inserted;
}

/** A project by its name within its org, or undefined. */
export async function findProject(sql: Sql, org: string, name: string): Promise<Project | undefined> {
  const [found] = await sql.query<Project>(
    `select ${columns} from project where name = $2 and org_id = (select org_id from org where org.name = $1)`,
    [org, name],
  );
  return found;
}

/** Sets what people call a project and answers it; undefined when it is gone. */
export async function updateProject(tx: Sql, project: { projectId: string; displayName: string }): Promise<Project | undefined> {
  const [updated] = await tx.query<Project>(
    `update project set display_name = $2, revision = revision + 1, updated_at = now() where project_id = $1 returning ${columns}`,
    [project.projectId, project.displayName],
  );
  return updated;
}

export async function deleteProject(tx: Sql, projectId: string): Promise<void> {
  await tx.query('delete from project where project_id = $1', [projectId]);
}

/** How many projects an org has. */
export async function countProjectsOf(sql: Sql, orgId: string): Promise<number> {
  const [row] = await sql.query<{ projects: number }>('select count(*)::int as projects from project where org_id = $1', [orgId]);
  return row?.projects ?? 0;
}

/** The projects of an org in the order of their names, after one, `limit` at most; of some names those alone. */
export async function listProjects(
  sql: Sql,
  of: { orgId: string; only: readonly string[] | undefined },
  page: { after: string; limit: number },
): Promise<Project[]> {
  return sql.query<Project>(
    `select ${columns} from project
     where org_id = $1 and name collate "C" > $2 and ($4::text[] is null or name = any($4)) order by name collate "C" limit $3`,
    [of.orgId, page.after, page.limit, of.only ?? null],
  );
}
