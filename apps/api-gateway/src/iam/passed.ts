import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { principalOf } from '../edge/access.js';
import type { Passed } from './iam.js';

/** The request, for a handler that may pass it on to an external IAM once all that it takes is validated. */
export const PassedOn = createParamDecorator((_: undefined, context: ExecutionContext): Passed => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  return { request, reply: http.getResponse<FastifyReply>(), caller: principalOf(request) };
});
