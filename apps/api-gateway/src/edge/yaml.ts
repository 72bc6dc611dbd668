import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { accepts } from './accept.js';

/** The media type of YAML (RFC 9512). */
export const yamlType = 'application/yaml';

/** Whether the caller asks for YAML instead of JSON. */
export const WantsYaml = createParamDecorator((_: undefined, context: ExecutionContext): boolean =>
  accepts(context.switchToHttp().getRequest<FastifyRequest>().headers.accept, yamlType),
);

/** Has what the handler answers written as YAML. */
export function answerYaml(reply: FastifyReply): void {
  reply.header('content-type', `${yamlType}; charset=utf-8`).serializer((answer) => stringify(answer));
}
