/** The routes that every service has, in OpenAPI's words. */
import type { JsonSchema } from './schemas.js';

const report = {
  type: 'object',
  required: ['service', 'status', 'checks'],
  properties: {
    service: { type: 'string' },
    status: { type: 'string', enum: ['ready', 'degraded', 'unavailable'] },
    checks: {
      type: 'object',
      additionalProperties: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' }, problem: { type: 'string' } } },
    },
  },
};
const health = { type: 'object', required: ['service', 'status'], properties: { service: { type: 'string' }, status: { const: 'ok' } } };
const problems = { '4XX': { $ref: '#/components/responses/Problem' } };
const json = (description: string, schema: JsonSchema) => ({ description, content: { 'application/json': { schema } } });
const probe = (operationId: string, summary: string, responses: JsonSchema) => ({
  get: { operationId: `probes.${operationId}`, summary, tags: ['probes'], security: [], responses: { ...responses, ...problems } },
});

export const probeOperations: Readonly<Record<string, Record<string, JsonSchema>>> = {
  '/health': probe('health', 'Tells that the process runs and answers.', { '200': json('It does.', health) }),
  '/ready': probe('ready', 'Tells whether the service can do its work.', {
    '200': json('It can, perhaps not all of it.', report),
    '503': json('It can not.', report),
  }),
  '/metrics': probe('metrics', 'Answers figures for Prometheus.', {
    '200': { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
  }),
};
