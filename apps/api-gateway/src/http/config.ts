import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  configDomains,
  configPath,
  configScopePattern,
  configSources,
  platformScope,
  type ConfigDomain,
  type configV1,
} from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, configClient, orNull, present, type ConfigClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf, startOf } from '../edge/paging.js';
import { etagOf, revisionNumber, scopeName } from '../edge/parse.js';
import { answerYaml, WantsYaml } from '../edge/yaml.js';

export const configDomain = z.enum(configDomains, `must be one of ${configDomains.join(', ')}`);
/** Which document of a domain. */
export const documentFields = {
  name: scopeName.default('default'),
  scope: z.string('is not a scope').regex(configScopePattern, 'must be platform or tenants/{tenant}').default(platformScope),
};
const documentQuery = z.strictObject(documentFields);
const listQuery = z.strictObject({ ...pageQuery, domain: configDomain.optional() });
const historyQuery = z.strictObject({ ...pageQuery, ...documentFields });
const diffQuery = z.strictObject({ ...documentFields, from: revisionNumber, to: revisionNumber });
type DocumentQuery = z.output<typeof documentQuery>;

const revisionFields = {
  domain: z.enum(configDomains),
  name: z.string(),
  scope: z.string(),
  /** 0: the domain's defaults. */
  revision: z.int(),
  sha256: z.string(),
  source: z.enum(configSources),
  state: z.enum(['effective', 'staged', 'superseded', 'withdrawn']),
  updated_at: time.nullable(),
  updated_by: z.string().nullable(),
  reason: z.string().nullable(),
};
const revisionSchema = z.object(revisionFields).meta({ id: 'ConfigRevision' });
const contentSchema = z.object({ ...revisionFields, content: z.record(z.string(), z.unknown()) }).meta({ id: 'ConfigRevisionWithContent' });
const documentSchema = z
  .object({ ...revisionFields, content: z.record(z.string(), z.unknown()), candidate_revision: z.int().nullable() })
  .meta({ id: 'ConfigDocument' });
/** What has to be done to one revision to make it the other; `before` is missing of what is added, `after` of what is removed. */
export const changeSchema = z
  .object({
    op: z.enum(['added', 'removed', 'changed']),
    pointer: z.string(),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })
  .meta({ id: 'ConfigChange' });
const diffSchema = z.object({ from: z.int(), to: z.int(), changes: z.array(changeSchema) }).meta({ id: 'ConfigDiff' });

@Controller('admin/v1/config')
export class ConfigController {
  constructor(@Inject(configClient) private readonly config: ConfigClient) {}

  @Get()
  @RequirePermission('config.read')
  @Answers('Lists the configuration documents that were ever applied, as they are in force, without their content.', page(revisionSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor, domain }: z.output<typeof listQuery>) {
    const after = documentOf(startOf('config', cursor));
    const { documents, more } = await this.config.listConfig({ domain: domain ?? '', limit, after }, asCaller());
    const last = documents.at(-1)?.identity;
    return pageOf('config', documents.map(revisionView), more && last !== undefined ? configPath(identityOf(last)) : '');
  }

  /** As YAML on request. */
  @Get(':domain')
  @RequirePermission('config.read')
  @Answers('Tells what is in force of a configuration document: its domain’s defaults when nothing was ever applied.', documentSchema, {
    yaml: true,
  })
  async get(
    @Param('domain', { schema: configDomain }) domain: ConfigDomain,
    @Query({ schema: documentQuery }) query: DocumentQuery,
    @WantsYaml() wantsYaml: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { revision, content, candidateRevision } = await this.config.getConfig({ identity: { domain, ...query } }, asCaller());
    const view = revisionView(present(revision, 'revision'));
    reply.header('etag', etagOf(view.revision)).header('vary', 'accept');
    if (wantsYaml) answerYaml(reply);
    return { ...view, content: objectOf(content), candidate_revision: candidateRevision === 0 ? null : candidateRevision };
  }

  @Get(':domain/history')
  @RequirePermission('config.read')
  @Answers('Lists the revisions of a configuration document, the newest first.', page(revisionSchema))
  async history(
    @Param('domain', { schema: configDomain }) domain: ConfigDomain,
    @Query({ schema: historyQuery }) { limit, cursor, ...document }: z.output<typeof historyQuery>,
  ) {
    const request = { identity: { domain, ...document }, limit, before: startNumberOf('config-history', cursor) ?? 0 };
    const { revisions, more } = await this.config.listConfigHistory(request, asCaller());
    return pageOf('config-history', revisions.map(revisionView), more ? (revisions.at(-1)?.revision ?? 0) : 0);
  }

  /** As YAML on request. */
  @Get(':domain/revisions/:revision')
  @RequirePermission('config.read')
  @Answers('Tells a revision of a configuration document; 0 is its domain’s defaults.', contentSchema, { yaml: true })
  async revision(
    @Param('domain', { schema: configDomain }) domain: ConfigDomain,
    @Param('revision', { schema: revisionNumber }) revision: number,
    @Query({ schema: documentQuery }) query: DocumentQuery,
    @WantsYaml() wantsYaml: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const found = await this.config.getConfigRevision({ identity: { domain, ...query }, revision }, asCaller());
    reply.header('vary', 'accept');
    if (wantsYaml) answerYaml(reply);
    return { ...revisionView(present(found.revision, 'revision')), content: objectOf(found.content) };
  }

  @Get(':domain/diff')
  @RequirePermission('config.read')
  @Answers('Tells what has to be done to one revision of a configuration document to make it another.', diffSchema)
  async diff(
    @Param('domain', { schema: configDomain }) domain: ConfigDomain,
    @Query({ schema: diffQuery }) { from, to, ...document }: z.output<typeof diffQuery>,
  ) {
    const request = { identity: { domain, ...document }, fromRevision: from, toRevision: to };
    const { changes } = await this.config.diffConfig(request, asCaller());
    return { from, to, changes: changes.map(changeView) };
  }
}

/** A change, its values as what they are. */
export function changeView({ op, pointer, before, after }: configV1.ConfigChange) {
  return {
    op: op as 'added' | 'removed' | 'changed',
    pointer,
    ...(before === '' ? {} : { before: JSON.parse(before) as unknown }),
    ...(after === '' ? {} : { after: JSON.parse(after) as unknown }),
  };
}

function revisionView(revision: configV1.ConfigRevision) {
  return {
    ...identityOf(present(revision.identity, 'identity')),
    revision: revision.revision,
    sha256: revision.sha256,
    source: revision.source as (typeof configSources)[number],
    state: revision.state as 'effective' | 'staged' | 'superseded' | 'withdrawn',
    updated_at: orNull(revision.updatedAt),
    updated_by: orNull(revision.updatedBy),
    reason: orNull(revision.reason),
  };
}

function identityOf({ domain, name, scope }: configV1.ConfigIdentity) {
  return { domain: domain as ConfigDomain, name, scope };
}

/** Of `routing/platform/default`; undefined without one. */
function documentOf(path: string | undefined): configV1.ConfigIdentity | undefined {
  const [, domain, scope, name] = /^([^/]+)\/(.+)\/([^/]+)$/.exec(path ?? '') ?? [];
  return domain === undefined || scope === undefined || name === undefined ? undefined : { domain, scope, name };
}

/** Of a peer that answers nothing: an empty document. */
function objectOf(content: string): Record<string, unknown> {
  return content === '' ? {} : (JSON.parse(content) as Record<string, unknown>);
}
