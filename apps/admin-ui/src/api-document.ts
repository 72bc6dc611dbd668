/** The API's document as its page shows it. */

type Json = Readonly<Record<string, unknown>>;

export interface Field {
  readonly name: string;
  readonly where: string;
  readonly required: boolean;
  readonly schema: unknown;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  /** What its caller needs: a permission's name, or in words. */
  readonly needs: string;
  readonly fields: readonly Field[];
  /** The schema of the JSON that it takes; undefined when it takes none. */
  readonly body: unknown;
  /** By status. */
  readonly answers: readonly { readonly status: string; readonly description: string; readonly schema: unknown }[];
}

export interface Group {
  readonly name: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

/** The document's groups, each with its operations, those alone that hold a text in their name, path or summary. */
export function groupsOf(document: Json, text: string): Group[] {
  const wanted = text.trim().toLowerCase();
  const holds = ({ id, path, summary, needs }: Operation) => [id, path, summary, needs].some((part) => part.toLowerCase().includes(wanted));
  const operations = Object.entries(partOf(document, 'paths')).flatMap(([path, methods]) =>
    Object.entries(methods as Json).map(([method, operation]) => operationOf(method, path, operation as Json)),
  );
  return listOf(document['tags'])
    .map(({ name, description }) => ({
      name: textOf(name),
      description: textOf(description),
      operations: operations.filter((operation) => operation.id.startsWith(`${textOf(name)}.`) && holds(operation)),
    }))
    .filter((group) => group.operations.length > 0);
}

function operationOf(method: string, path: string, operation: Json): Operation {
  const body = partOf(partOf(operation, 'requestBody'), 'content')['application/json'];
  const security = listOf(operation['security']);
  const permission = operation['x-permission'];
  return {
    id: textOf(operation['operationId']),
    method: method.toUpperCase(),
    path,
    summary: textOf(operation['summary']),
    needs: typeof permission === 'string' ? permission : security.length === 0 ? 'nothing' : 'the session of a browser',
    fields: listOf(operation['parameters']).map((field) => ({
      name: textOf(field['name']),
      where: textOf(field['in']),
      required: field['required'] === true,
      schema: field['schema'],
    })),
    body: body === undefined ? undefined : (body as Json)['schema'],
    answers: Object.entries(partOf(operation, 'responses'))
      .filter(([status]) => status.startsWith('2'))
      .map(([status, answer]) => ({
        status,
        description: textOf((answer as Json)['description']),
        schema: partOf(partOf(answer as Json, 'content'), 'application/json')['schema'],
      })),
  };
}

/** A schema with what it refers to in its place, as far as `depth` goes. */
export function unfolded(document: Json, schema: unknown, depth = 6): unknown {
  if (Array.isArray(schema)) return schema.map((part) => unfolded(document, part, depth));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref: reference } = schema as Json;
  if (typeof reference === 'string' && depth > 0) {
    const name = reference.split('/').at(-1) ?? '';
    return unfolded(document, partOf(partOf(document, 'components'), 'schemas')[name], depth - 1);
  }
  return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, unfolded(document, part, depth)]));
}

function partOf(json: Json, name: string): Json {
  const part = json[name];
  return typeof part === 'object' && part !== null ? (part as Json) : {};
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
