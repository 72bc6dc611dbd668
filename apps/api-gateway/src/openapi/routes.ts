/** What Nest's controllers declare of their routes, read from their decorators: the one source of the API's document. */
import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';
import type { z } from 'zod';
import { answerMetadata, type Answer } from '../edge/answers.js';
import { idempotencyKeyOf, ifMatchOf, optionalIfMatchOf } from '../edge/parse.js';

export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/admin/v1/jobs/{id}`. */
  readonly path: string;
  /** `jobs.list`, by its controller and handler. */
  readonly operationId: string;
  readonly access: NonNullable<FastifyContextConfig['access']>;
  readonly scoped: boolean;
  readonly anywhere: boolean;
  readonly answer: Answer;
  readonly status: number;
  readonly params: Readonly<Record<string, z.ZodType>>;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly takesIdempotencyKey: boolean;
  readonly ifMatch: 'required' | 'optional' | 'none';
  /** The part of its path that names its tenant, as a header has to. */
  readonly tenant: string | undefined;
}

interface Argument {
  readonly data?: unknown;
  readonly schema?: z.ZodType;
  readonly factory?: unknown;
}

const methods: Readonly<Partial<Record<RequestMethod, Route['method']>>> = {
  [RequestMethod.GET]: 'get',
  [RequestMethod.POST]: 'post',
  [RequestMethod.PUT]: 'put',
  [RequestMethod.PATCH]: 'patch',
  [RequestMethod.DELETE]: 'delete',
};

/** All routes of controllers, in the order of their declaration; throws for one that does not say what it answers, or to whom. */
export function routesOf(controllers: readonly Type[]): Route[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as object;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler = (prototype as Record<string, unknown>)[name];
      const method = typeof handler === 'function' ? methods[meta(METHOD_METADATA, handler) as RequestMethod] : undefined;
      return typeof handler === 'function' && method !== undefined ? [routeOf(controller, name, handler, method)] : [];
    });
  });
}

function routeOf(controller: Type, name: string, handler: object, method: Route['method']): Route {
  const group = controller.name.replace(/Controller$/, '').replace(/^./, (first) => first.toLowerCase());
  const operationId = `${group}.${name}`;
  const answer = meta(answerMetadata, handler) as Answer | undefined;
  const { access, scoped = false, anywhere = false, tenant } = (meta(FASTIFY_ROUTE_CONFIG_METADATA, handler) ?? {}) as FastifyContextConfig;
  if (answer === undefined || access === undefined) throw new Error(`${operationId} does not declare what it answers, or to whom`);
  const given = Object.entries((Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, Argument>);
  const ofType = (type: RouteParamtypes) => given.flatMap(([key, argument]) => (key.startsWith(`${String(type)}:`) ? [argument] : []));
  const takes = (factory: unknown) => given.some(([, argument]) => argument.factory === factory);
  const code = meta(HTTP_CODE_METADATA, handler) as number | undefined;
  return {
    method,
    path: pathOf(meta(PATH_METADATA, controller) as string, meta(PATH_METADATA, handler) as string),
    operationId,
    access,
    scoped,
    anywhere,
    answer,
    status: code ?? (method === 'post' ? 201 : 200),
    params: Object.fromEntries(ofType(RouteParamtypes.PARAM).map(({ data, schema }) => [String(data), declared(schema, operationId)])),
    query: ofType(RouteParamtypes.QUERY)[0]?.schema,
    body: ofType(RouteParamtypes.BODY)[0]?.schema,
    takesIdempotencyKey: takes(idempotencyKeyOf),
    ifMatch: takes(ifMatchOf) ? 'required' : takes(optionalIfMatchOf) ? 'optional' : 'none',
    tenant,
  };
}

function meta(key: string, target: object): unknown {
  return Reflect.getMetadata(key, target);
}

function pathOf(prefix: string, rest: string): string {
  const parts = [prefix, rest].flatMap((part) => part.split('/')).filter((part) => part !== '');
  return `/${parts.map((part) => (part.startsWith(':') ? `{${part.slice(1)}}` : part)).join('/')}`;
}

function declared(schema: z.ZodType | undefined, operationId: string): z.ZodType {
  if (schema === undefined) throw new Error(`a parameter of ${operationId} has no schema`);
  return schema;
}
