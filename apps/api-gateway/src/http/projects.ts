import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { orgPath, projectPath } from '@fairlead/contracts';
import { principalOfAccount, projectsWith, requireOn, type Principal } from '@fairlead/auth';
import { answeringOnce, type KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { tellPosition } from '../edge/clients.js';
import { pageOf, pageQuery, startOf } from '../edge/paging.js';
import { Caller, etagOf, IdempotencyKey, IfMatch, orgName, projectName, text } from '../edge/parse.js';
import { identity, type Identity } from '../identity/identity.js';
import { noSuchOrg, noSuchProject } from '../orgs/find.js';
import { changeProject, createProject, removeProject, type ToldProject } from '../orgs/projects.js';
import { findOrg } from '../store/orgs.js';
import { findProject, listProjects, type Project } from '../store/projects.js';

const listQuery = z.strictObject(pageQuery);
const createBody = z.strictObject({ name: projectName, display_name: text(200) });
const changeBody = z.strictObject({ display_name: text(200) });

const projectSchema = z
  .object({
    project_id: z.string(),
    /** Who its keys act as, as the trail names it. */
    principal: z.string(),
    org: z.string(),
    name: z.string(),
    display_name: z.string(),
    /** The part of the platform that roles on it are held on. */
    scope: z.string(),
    /** Its entity tag, in quotes. */
    revision: z.int(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Project' });

@Controller('platform/v1/orgs/:org/projects')
export class ProjectsController {
  constructor(@Inject(identity) private readonly identity: Identity) {}

  /** Whoever may read none of them is refused, as where there is no such org. */
  @Get()
  @RequirePermission('project.read', { anywhere: true })
  @Answers('Lists the projects of an org that the caller may read, in the order of their names.', page(projectSchema))
  async list(
    @Param('org', { schema: orgName }) org: string,
    @Query({ schema: listQuery }) { limit, cursor }: z.output<typeof listQuery>,
    @Caller() caller: Principal,
  ) {
    const only = projectsWith(caller, 'project.read', org);
    if (only?.length === 0) requireOn(caller, 'project.read', orgPath(org));
    const after = startOf('projects', cursor) ?? '';
    const { database } = this.identity;
    const found = await findOrg(database, org);
    if (found === undefined) throw noSuchOrg(org);
    const projects = await listProjects(database, { orgId: found.orgId, only }, { after, limit: limit + 1 });
    const page = projects.slice(0, limit);
    return pageOf('projects', page.map(projectView), projects.length > limit ? (page.at(-1)?.name ?? '') : '');
  }

  @Post()
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Makes a project in an org; it takes the permission on the whole org.', projectSchema)
  async create(
    @Param('org', { schema: orgName }) org: string,
    @Body({ schema: createBody }) { name, display_name: displayName }: z.output<typeof createBody>,
    @IdempotencyKey() keyed: KeyedRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const answering = answeringOnce(this.identity, keyed, ({ project, position }: ToldProject) => ({
      position,
      body: projectView(project),
    }));
    const answer = await createProject(caller, { org, name, displayName }, answering);
    tellPosition(reply, answer.position);
    reply.header('etag', etagOf(answer.body.revision));
    reply.header('location', `/platform/v1${projectPath(org, name)}`);
    return answer.body;
  }

  @Get(':project')
  @RequirePermission('project.read', { anywhere: true })
  @Answers('Tells a project.', projectSchema)
  async get(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    requireOn(caller, 'project.read', projectPath(org, name));
    const project = await findProject(this.identity.database, org, name);
    if (project === undefined) throw noSuchProject({ org, name });
    reply.header('etag', etagOf(project.revision));
    return projectView(project);
  }

  @Patch(':project')
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Changes what people call a project; its name stays.', projectSchema)
  async change(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @Body({ schema: changeBody }) { display_name: displayName }: z.output<typeof changeBody>,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { project, position } = await changeProject(this.identity.database, caller, { org, name }, { displayName, revision });
    tellPosition(reply, position);
    reply.header('etag', etagOf(project.revision));
    return projectView(project);
  }

  @Delete(':project')
  @RequirePermission('project.manage', { anywhere: true })
  @Answers('Deletes a project, with its keys and the roles that are held on it.')
  @HttpCode(204)
  async delete(
    @Param('org', { schema: orgName }) org: string,
    @Param('project', { schema: projectName }) name: string,
    @IfMatch() revision: number | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    tellPosition(reply, await removeProject(this.identity.database, caller, { org, name }, revision));
  }
}

function projectView(project: Project) {
  return {
    project_id: project.projectId,
    principal: principalOfAccount(project.projectId),
    org: project.org,
    name: project.name,
    display_name: project.displayName,
    scope: projectPath(project.org, project.name),
    revision: project.revision,
    created_at: project.createdAt.toISOString(),
    updated_at: project.updatedAt.toISOString(),
  };
}
