/** The API's OpenAPI 3.1 document, made from what the routes declare. */
import type { Type } from '@nestjs/common';
import { errorCodes, maxIdempotencyKeyLength } from '@fairlead/contracts';
import { z } from 'zod';
import { sensitiveReads } from '../edge/sensitive-reads.js';
import { groups } from './groups.js';
import { routesOf, type Route } from './routes.js';
import { probeOperations } from './probes.js';
import { jsonSchemaOf, type Components, type JsonSchema } from './schemas.js';

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: JsonSchema;
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> } & Readonly<Record<string, JsonSchema>>;
  readonly [part: string]: unknown;
}

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum([...(Object.keys(errorCodes) as [string, ...string[]]), 'unsupported_media_type']),
    request_id: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, with a stable code and the id to ask about.' });

const problems = { '4XX': { $ref: '#/components/responses/Problem' }, '5XX': { $ref: '#/components/responses/Problem' } };

/** Makes the document of controllers; the same routes make the same bytes. */
export function documentOf(controllers: readonly Type[]): OpenApiDocument {
  return openApiOf(routesOf(controllers));
}

function openApiOf(routes: readonly Route[]): OpenApiDocument {
  const components: Components = new Map();
  const paths: Record<string, Record<string, JsonSchema>> = { ...probeOperations };
  for (const route of routes) {
    if (paths[route.path]?.[route.method] !== undefined) throw new Error(`${route.method} ${route.path} is there twice`);
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, components) };
  }
  jsonSchemaOf(z.object({ problem: problemSchema }), 'output', components);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Fairlead',
      version: '1',
      summary: 'The control plane of a multi-tenant platform: what runs where, planned changes as jobs, and the trail of who did what.',
      description:
        'Changes are planned first; a job executes a plan. Every answer has the headers `x-request-id` and `x-correlation-id`; errors are ' +
        'RFC 9457 problems with a stable `code`. A change tells its position in the log in `x-fairlead-position`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'this gateway' }],
    tags: Object.entries(groups).map(([name, description]) => ({ name, description })),
    paths: sorted(paths),
    components: {
      schemas: sorted(Object.fromEntries(components)),
      responses: {
        Problem: {
          description: 'What went wrong.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token of `POST /admin/v1/auth/login`, or an API token (`flt_…`).',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'fairlead_session',
          description: 'The session of a browser; own-site requests alone.',
        },
      },
    },
  };
}

function operationOf(route: Route, components: Components): JsonSchema {
  const [tag = ''] = route.operationId.split('.');
  if (!Object.hasOwn(groups, tag)) throw new Error(`${tag} is not among the groups of routes`);
  const { answer } = route;
  return {
    operationId: route.operationId,
    summary: answer.summary,
    tags: [tag],
    ...(route.access === 'public' || route.access === 'own-site' ? {} : { 'x-permission': route.access }),
    ...(route.scoped ? { 'x-heeds-scope': true } : {}),
    ...(route.anywhere ? { 'x-anywhere': true } : {}),
    ...(Object.hasOwn(sensitiveReads, `${route.method.toUpperCase()} ${route.path}`) ? { 'x-recorded': true } : {}),
    security: securityOf(route),
    ...withParameters(route, components),
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body, components) }),
    responses: { ...answersOf(route, components), ...problems },
  };
}

function securityOf({ access, operationId }: Route): JsonSchema[] {
  if (access === 'public' || operationId === 'auth.login') return [];
  return [access === 'own-site' ? { session: [] } : { token: [] }];
}

function bodyOf(schema: z.ZodType, components: Components): JsonSchema {
  const json = jsonSchemaOf(schema, 'input', components);
  const required = Array.isArray(json['required']) && json['required'].length > 0;
  return { required, content: { 'application/json': { schema: json } } };
}

function answersOf({ answer, status }: Route, components: Components): JsonSchema {
  const schema = answer.schema === undefined ? undefined : jsonSchemaOf(answer.schema, 'output', components);
  const content = {
    ...(schema === undefined ? {} : { 'application/json': { schema } }),
    ...(answer.raw === undefined || schema !== undefined ? {} : { [answer.raw]: { schema: { type: 'string' } } }),
    ...(answer.yaml === undefined || schema === undefined ? {} : { 'application/yaml': { schema } }),
    ...(answer.events === undefined ? {} : { 'text/event-stream': { schema: { type: 'string' } } }),
  };
  if (Object.keys(content).length === 0) return { [String(status)]: { description: 'Done.' } };
  return {
    [String(status)]: { description: status === 202 ? 'Accepted: it goes on by itself.' : 'Done.', content },
    ...(answer.orNothing === true ? { '204': { description: 'There is nothing to tell.' } } : {}),
  };
}

function withParameters(route: Route, components: Components): { parameters?: JsonSchema[] } {
  const query = route.query === undefined ? {} : jsonSchemaOf(route.query, 'input', components);
  const required = (query['required'] ?? []) as string[];
  const parameters: JsonSchema[] = [
    ...Object.entries(route.params).map(([name, schema]) => ({
      ...{ name, in: 'path', required: true, schema: jsonSchemaOf(schema, 'input', components) },
    })),
    ...Object.entries((query['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, schema]) => ({
      ...{ name, in: 'query', required: required.includes(name), schema },
    })),
    ...(route.takesIdempotencyKey ? [idempotencyKey] : []),
    ...(route.ifMatch === 'none' ? [] : [ifMatch(route.ifMatch === 'required')]),
    ...(route.tenant === undefined ? [] : [tenantHeader(route.params[route.tenant], components)]),
  ];
  return parameters.length === 0 ? {} : { parameters };
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description: 'Repeats with the same key do it once.',
  schema: { type: 'string', minLength: 1, maxLength: maxIdempotencyKeyLength, pattern: '^[\\x21-\\x7e]+$' },
};

function tenantHeader(schema: z.ZodType = z.string(), components: Components): JsonSchema {
  return {
    name: 'X-Tenant-Id',
    in: 'header',
    required: true,
    description: 'The same tenant as in the path.',
    schema: jsonSchemaOf(schema, 'input', components),
  };
}

const ifMatch = (required: boolean) => ({
  name: 'If-Match',
  in: 'header',
  required,
  description: 'Does it only while what is there has this entity tag; `*` for whatever is there.',
  schema: { type: 'string', pattern: '^("[1-9]\\d{0,14}"|\\*)$' },
});

function sorted<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
}
