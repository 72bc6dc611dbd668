/** The API's document as a fuzzer reads it. */
import { readFileSync } from 'node:fs';

export type Json = Record<string, unknown>;

export interface Operation {
  /** `jobs.list` */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: Json }[];
  readonly body: Json | undefined;
  readonly bodyRequired: boolean;
  /** By status, then by content type. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly permission: string | undefined;
  /** That it was asked for is recorded before it is answered. */
  readonly recorded: boolean;
}

export const document = JSON.parse(readFileSync(new URL('../../../../apps/api-gateway/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json>; responses: Record<string, Json> };
};

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const body = operation['requestBody'] as { required: boolean; content: { 'application/json': { schema: Json } } } | undefined;
    const responses = operation['responses'] as Record<string, { content?: Record<string, { schema: Json }> }>;
    return {
      id: String(operation['operationId']),
      method: method.toUpperCase(),
      path,
      parameters: (operation['parameters'] ?? []) as Operation['parameters'],
      body: body?.content['application/json'].schema,
      bodyRequired: body?.required === true,
      answers: Object.fromEntries(
        Object.entries(responses)
          .filter(([status]) => /^\d+$/.test(status))
          .map(([status, { content = {} }]) => [
            status,
            Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema])),
          ]),
      ),
      permission: operation['x-permission'] as string | undefined,
      recorded: operation['x-recorded'] === true,
    };
  }),
);

/** The schema that a reference stands for. */
export function resolved(schema: Json): Json {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  return name === undefined ? schema : resolved(document.components.schemas[name] ?? {});
}
