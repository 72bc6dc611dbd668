import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from '../edge/access.js';
import { Answers } from '../edge/answers.js';

/** Under this Nest hands the document's JSON to the controller. */
export const apiDocument = Symbol("the API's document");

const documentSchema = z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) });

@Controller()
export class ApiDocumentController {
  constructor(@Inject(apiDocument) private readonly document: string) {}

  @Get('openapi.json')
  @Public()
  @Answers('Answers this document.', documentSchema, { raw: 'application/json' })
  @Header('cache-control', 'no-cache')
  get(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/json; charset=utf-8').send(this.document);
  }
}
