/** JSON Schema, as OpenAPI 3.1 takes it, of our Zod schemas. */
import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Schemas that have a name of their own (`.meta({ id })`), by name. */
export type Components = Map<string, JsonSchema>;

/**
 * The JSON Schema of a schema: what it takes (`input`) or answers (`output`). What has a name stands in `components` and is referred to.
 * Answers may get more fields in later releases, so their objects are left open.
 */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output', components: Components): JsonSchema {
  const { $schema: _dialect, $defs = {}, ...whole } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: tidy(io) });
  for (const [name, part] of Object.entries($defs)) {
    const referring = refer(part) as JsonSchema;
    const known = components.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(referring)) throw new Error(`two schemas have the name ${name}`);
    components.set(name, referring);
  }
  return refer(whole) as JsonSchema;
}

/** Leaves out what only repeats what else the schema says. */
function tidy(io: 'input' | 'output') {
  return ({ jsonSchema }: { jsonSchema: JsonSchema }): void => {
    // The pattern of a date or an address is longer than all else, and its format says the same; that of a number comes from its text.
    if (jsonSchema['format'] !== undefined || jsonSchema['type'] === 'integer') delete jsonSchema['pattern'];
    if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
    // Every whole number that a program can be sure of.
    if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
    if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
    // JSON has no other keys.
    if (JSON.stringify(jsonSchema['propertyNames']) === '{"type":"string"}') delete jsonSchema['propertyNames'];
    delete jsonSchema['id'];
  };
}

function refer(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(refer);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === '$ref' && typeof part === 'string' ? part.replace('#/$defs/', '#/components/schemas/') : refer(part),
    ]),
  );
}
