import { Readable } from 'node:stream';
import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { chainV1 } from '@fairlead/contracts';
import { RequirePermission } from '../edge/access.js';
import { Answers } from '../edge/answers.js';
import { asCaller, chainClient, type ChainClient } from '../edge/clients.js';
import { sequence } from '../edge/parse.js';

const query = z
  .strictObject({
    /** Inclusive; the first when left out. */
    from: sequence.optional(),
    /** Inclusive; the end of the chain when left out. */
    to: sequence.optional(),
  })
  .refine(({ from = 1, to = Infinity }) => from <= to, { path: ['to'], error: 'is before from' });

/** Events with their hashes and anchors, to be kept and verified elsewhere. */
@Controller('admin/v1/audit/export')
export class AuditExportController {
  constructor(@Inject(chainClient) private readonly chain: ChainClient) {}

  /** Lines of JSON, as docs/audit.md describes them. That they were handed out, and to whom, is in the trail before the first one leaves. */
  @Get()
  @RequirePermission('audit.export')
  @Answers('Answers events with their hashes and anchors, as lines of JSON, to be verified elsewhere.', undefined, {
    raw: 'application/x-ndjson',
  })
  async get(@Query({ schema: query }) { from, to }: z.output<typeof query>, @Res() reply: FastifyReply): Promise<void> {
    const gone = new AbortController();
    reply.raw.once('close', () => {
      gone.abort();
    });
    const pieces = this.chain.exportChain({ fromPosition: from ?? 0, toPosition: to ?? 0 }, asCaller({ signal: gone.signal }));
    // What is refused is told by a status, so nothing is answered before there is a first piece.
    const first = await pieces.next();
    void reply
      .header('content-type', 'application/x-ndjson')
      .header('content-disposition', 'attachment; filename="audit-export.jsonl"')
      .header('x-accel-buffering', 'no')
      .send(Readable.from(linesOf(first, pieces), { objectMode: false }));
  }
}

/** One that breaks off ends without its last line, and without the end that HTTP gives an answer. */
async function* linesOf(
  first: IteratorResult<chainV1.ExportChainResponse, void>,
  rest: AsyncGenerator<chainV1.ExportChainResponse, void, undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (first.done === true) return;
  yield first.value.lines;
  for await (const { lines } of rest) yield lines;
}
