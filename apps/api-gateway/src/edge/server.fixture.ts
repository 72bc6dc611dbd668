/** The edge alone, as a real HTTP server with its real hooks, tokens and log; controllers of a spec stand in for the API's. */
import { Writable } from 'node:stream';
import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTokenSigner, createTokenVerifier, generateSigningKey } from '@fairlead/auth';
import { createLogger, createMetrics, type Tracing } from '@fairlead/telemetry';
import { SchemaPipe } from './parse.js';
import { ProblemFilter } from './problems.js';
import { createEdge } from './server.js';

/** Starts it on a free port; `lines` fills with its log. */
export async function startEdge(controllers: Type[], tracing?: Tracing) {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const { privateJwk, publicJwk } = await generateSigningKey('api-gateway');
  const signer = await createTokenSigner({ privateJwk });
  const logger = createLogger({ service: 'api-gateway', level: 'trace', destination });
  const registry = createMetrics({ service: 'api-gateway', version: '0', gitSha: 'x', processMetrics: false });
  @Module({ controllers })
  class Root {}
  const adapter = createEdge({
    logger,
    registry,
    verifier: createTokenVerifier({ jwks: { keys: [publicJwk] } }),
    exchange: (bearer) => Promise.resolve(bearer),
    callersNow: (signed) => Promise.resolve(signed),
    auditGate: { check: () => Promise.resolve() },
    recordRead: () => Promise.resolve(),
    ...(tracing === undefined ? {} : { tracing }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(Root, adapter, { logger: false, abortOnError: false });
  app.useGlobalPipes(new SchemaPipe());
  app.useGlobalFilters(new ProblemFilter(logger));
  try {
    await app.listen(0, '127.0.0.1');
  } catch (error) {
    await app.close();
    throw error;
  }
  const port = (app.getHttpServer().address() as { port: number }).port;
  const token = (roles: ('viewer' | 'admin')[], seconds = 60) =>
    signer.signUser({ userId: 'usr_1', email: 'ann@example.com', roles }, seconds);
  return { app, url: `http://127.0.0.1:${port}`, port, lines, registry, token };
}
