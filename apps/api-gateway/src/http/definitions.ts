import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { definitionKinds, type definitionV1 } from '@fairlead/contracts';
import type { KeyedRequest } from '@fairlead/postgres';
import { RequirePermission } from '../edge/access.js';
import { Answers, page, time } from '../edge/answers.js';
import { asCaller, definitionClient, orNull, present, tellPosition, type DefinitionClient } from '../edge/clients.js';
import { pageOf, pageQuery, startNumberOf, startOf } from '../edge/paging.js';
import { definitionName, etagOf, IdempotencyKey, reason, sequence, sha256 } from '../edge/parse.js';
import { answerYaml, WantsYaml } from '../edge/yaml.js';
import { changeSchema, changeView } from './config.js';

const listQuery = z.strictObject({
  ...pageQuery,
  kind: z.enum(definitionKinds, `must be ${definitionKinds.join(' or ')}`).optional(),
  /** Only names that begin with it. */
  name: definitionName.optional(),
});
const pageOnly = z.strictObject(pageQuery);
const diffQuery = z.strictObject({ from: sequence, to: sequence });
/** A definition as somebody has it: the text of a file. What is too large is refused with everything else that is wrong with it. */
const textFields = {
  format: z.enum(['json', 'yaml'], 'must be json or yaml').default('json'),
  text: z.string('must be the text of the definition').max(1_000_000, 'is too long'),
};
const putBody = z.strictObject({ ...textFields, reason });
const validateBody = z.strictObject(textFields);
const reasonBody = z.strictObject({ reason });

const versionFields = {
  name: z.string(),
  kind: z.enum(definitionKinds),
  version: z.int(),
  sha256: z.string(),
  description: z.string(),
  created_at: time,
  created_by: z.string(),
  reason: z.string(),
  /** Null, with the two below, of a version that is not retired. */
  retired_at: time.nullable(),
  retired_by: z.string().nullable(),
  retired_reason: z.string().nullable(),
};
const versionSchema = z.object(versionFields).meta({ id: 'DefinitionVersion' });
const contentSchema = z
  .object({ ...versionFields, content: z.record(z.string(), z.unknown()) })
  .meta({ id: 'DefinitionVersionWithContent' });
/** `added`: false when the content was there already. */
const putSchema = z.object({ ...versionFields, added: z.boolean() }).meta({ id: 'PutDefinition' });
/** `changed`: false when it was so already. */
const changedSchema = z.object({ ...versionFields, changed: z.boolean() }).meta({ id: 'ChangedDefinition' });
const verdictSchema = z
  .object({
    valid: z.boolean(),
    /** Of what is wrong. */
    code: z.enum(['config_decode', 'config_invalid']).nullable(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
    /** Of the definition's canonical form. */
    sha256: z.string().nullable(),
    name: z.string().nullable(),
    /** That has this content already; null: it would be a new one. */
    version: z.int().nullable(),
  })
  .meta({ id: 'DefinitionVerdict' });
const diffSchema = z.object({ from: z.int(), to: z.int(), changes: z.array(changeSchema) }).meta({ id: 'DefinitionDiff' });
const activationSchema = z
  .object({
    /** Such as `runner-activation/platform/default`. */
    document: z.string(),
    /** Null: everybody for whom nothing else is said. */
    tenant_id: z.string().nullable(),
    /** Null: it is off. */
    version: z.int().nullable(),
    /** Of the revision that is staged, and not in force. */
    staged: z.boolean(),
  })
  .meta({ id: 'DefinitionActivation' });

@Controller('admin/v1/definitions')
export class DefinitionsController {
  constructor(@Inject(definitionClient) private readonly definitions: DefinitionClient) {}

  @Get()
  @RequirePermission('definition.read')
  @Answers('Lists the definitions of effects and sagas by name, each with its newest version, without content.', page(versionSchema))
  async list(@Query({ schema: listQuery }) { limit, cursor, kind, name }: z.output<typeof listQuery>) {
    const request = { limit, after: startOf('definitions', cursor) ?? '', kind: kind ?? '', namePrefix: name ?? '' };
    const { definitions, more } = await this.definitions.listDefinitions(request, asCaller());
    return pageOf('definitions', definitions.map(versionView), more ? (definitions.at(-1)?.name ?? '') : '');
  }

  /** The same content again adds nothing: it is answered with the version that has it. */
  @Post()
  @RequirePermission('definition.write')
  @Answers('Adds the next version of a definition; a content that is there already is answered with its version.', putSchema)
  async put(
    @Body({ schema: putBody }) body: z.output<typeof putBody>,
    @IdempotencyKey() { key }: KeyedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { version, added, position } = await this.definitions.putDefinition({ ...body, idempotencyKey: key }, asCaller());
    const view = versionView(present(version, 'version'));
    if (position > 0) tellPosition(reply, position);
    reply.header('location', `/admin/v1/definitions/${view.name}/versions/${String(view.version)}`);
    return { ...view, added };
  }

  /** At once: it only looks. */
  @Post('validate')
  @RequirePermission('definition.read')
  @Answers('Says everything that is wrong with a text as a definition.', verdictSchema)
  @HttpCode(200)
  async validate(@Body({ schema: validateBody }) body: z.output<typeof validateBody>) {
    const verdict = await this.definitions.validateDefinition(body, asCaller());
    return {
      valid: verdict.code === '',
      code: verdict.code === '' ? null : (verdict.code as 'config_invalid'),
      errors: verdict.problems.map(({ pointer, detail }) => ({ pointer, detail })),
      ...{ sha256: orNull(verdict.sha256), name: orNull(verdict.name), version: verdict.version === 0 ? null : verdict.version },
    };
  }

  /** As YAML on request. */
  @Get(':name')
  @RequirePermission('definition.read')
  @Answers('Tells the newest version of a definition.', contentSchema, { yaml: true })
  get(
    @Param('name', { schema: definitionName }) name: string,
    @WantsYaml() wantsYaml: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.told(name, 0, wantsYaml, reply);
  }

  @Get(':name/versions')
  @RequirePermission('definition.read')
  @Answers('Lists the versions of a definition, the newest first.', page(versionSchema))
  async versions(
    @Param('name', { schema: definitionName }) name: string,
    @Query({ schema: pageOnly }) { limit, cursor }: z.output<typeof pageOnly>,
  ) {
    const request = { name, limit, before: startNumberOf('definition-versions', cursor) ?? 0 };
    const { versions, more } = await this.definitions.listDefinitionVersions(request, asCaller());
    return pageOf('definition-versions', versions.map(versionView), more ? (versions.at(-1)?.version ?? 0) : 0);
  }

  /** As YAML on request. */
  @Get(':name/versions/:version')
  @RequirePermission('definition.read')
  @Answers('Tells a version of a definition.', contentSchema, { yaml: true })
  version(
    @Param('name', { schema: definitionName }) name: string,
    @Param('version', { schema: sequence }) version: number,
    @WantsYaml() wantsYaml: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return this.told(name, version, wantsYaml, reply);
  }

  @Get(':name/diff')
  @RequirePermission('definition.read')
  @Answers('Tells what has to be done to one version of a definition to make it another.', diffSchema)
  async diff(
    @Param('name', { schema: definitionName }) name: string,
    @Query({ schema: diffQuery }) { from, to }: z.output<typeof diffQuery>,
  ) {
    const { changes } = await this.definitions.diffDefinition({ name, fromVersion: from, toVersion: to }, asCaller());
    return { from, to, changes: changes.map(changeView) };
  }

  /** In the order of tenants; what is said for everybody first. */
  @Get(':name/activations')
  @RequirePermission('definition.read')
  @Answers('Lists who is given which version of a definition, by documents in force and staged.', page(activationSchema))
  async activations(
    @Param('name', { schema: definitionName }) name: string,
    @Query({ schema: pageOnly }) { limit, cursor }: z.output<typeof pageOnly>,
  ) {
    const request = { name, limit, after: startOf('definition-activations', cursor) ?? '' };
    const { activations, more } = await this.definitions.listActivations(request, asCaller());
    return pageOf('definition-activations', activations.map(activationView), more ? (activations.at(-1)?.key ?? '') : '');
  }

  /** It stays, with its content; whoever has it is named in the refusal. */
  @Post(':name/versions/:version/retire')
  @RequirePermission('definition.write')
  @Answers('Lets a version of a definition be given to nobody any more; refused while somebody has it.', changedSchema)
  @HttpCode(200)
  async retire(
    @Param('name', { schema: definitionName }) name: string,
    @Param('version', { schema: sequence }) version: number,
    @Body({ schema: reasonBody }) body: z.output<typeof reasonBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return changed(await this.definitions.retireDefinition({ name, version, ...body }, asCaller()), reply);
  }

  @Post(':name/versions/:version/restore')
  @RequirePermission('definition.write')
  @Answers('Takes the retirement of a version of a definition back; `changed` is false of one that was not retired.', changedSchema)
  @HttpCode(200)
  async restore(
    @Param('name', { schema: definitionName }) name: string,
    @Param('version', { schema: sequence }) version: number,
    @Body({ schema: reasonBody }) body: z.output<typeof reasonBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return changed(await this.definitions.restoreDefinition({ name, version, ...body }, asCaller()), reply);
  }

  private async told(name: string, version: number, wantsYaml: boolean, reply: FastifyReply) {
    const found = contentView(await this.definitions.getDefinition({ name, version }, asCaller()));
    reply.header('etag', etagOf(found.version)).header('vary', 'accept');
    if (wantsYaml) answerYaml(reply);
    return found;
  }
}

/** Beside the others: a hash belongs to one version, whatever its name. */
@Controller('admin/v1/definition-contents')
export class DefinitionContentsController {
  constructor(@Inject(definitionClient) private readonly definitions: DefinitionClient) {}

  @Get(':sha256')
  @RequirePermission('definition.read')
  @Answers('Tells the version of a definition that has a content, by the content’s hash.', contentSchema)
  async get(@Param('sha256', { schema: sha256 }) hash: string) {
    return contentView(await this.definitions.getDefinitionContent({ sha256: hash }, asCaller()));
  }
}

function changed({ version, position }: definitionV1.RetireDefinitionResponse, reply: FastifyReply) {
  if (position > 0) tellPosition(reply, position);
  return { ...versionView(present(version, 'version')), changed: position > 0 };
}

/** Of a peer that answers nothing: an empty content. */
function contentView({ version, content }: definitionV1.GetDefinitionResponse) {
  const parsed = content === '' ? {} : (JSON.parse(content) as Record<string, unknown>);
  return { ...versionView(present(version, 'version')), content: parsed };
}

function versionView(version: definitionV1.DefinitionVersion) {
  const { name, kind, sha256: hash, description, createdAt, createdBy, retiredAt, retiredBy, retiredReason } = version;
  return {
    ...{ name, kind: kind as (typeof definitionKinds)[number], version: version.version, sha256: hash, description },
    ...{ created_at: createdAt, created_by: createdBy, reason: version.reason },
    ...{ retired_at: orNull(retiredAt), retired_by: orNull(retiredBy), retired_reason: orNull(retiredReason) },
  };
}

function activationView({ document, tenantId, version, staged }: definitionV1.Activation) {
  return { document, tenant_id: orNull(tenantId), version: version === 0 ? null : version, staged };
}
