/** Every place of a request where its caller may write a text. */
import { resolved, type Json, type Operation } from './document.js';
import type { Parts } from './fuzzer.js';

export interface Site {
  readonly part: 'path' | 'query' | 'headers' | 'body';
  /** Keys, from the part on; a number is a place in a list. */
  readonly at: readonly (string | number)[];
}

/** The texts of an operation's path, query, headers and body; numbers that travel as texts are among them. */
export function sitesOf(operation: Operation): Site[] {
  const parts = { path: 'path', query: 'query', header: 'headers' } as const;
  const parameters = operation.parameters.map((one): Site => ({ part: parts[one.in], at: [one.name] }));
  const headers = ['x-request-id', 'x-correlation-id', 'traceparent', 'user-agent'].map((name): Site => ({ part: 'headers', at: [name] }));
  const body = operation.body === undefined ? [] : [...textsOf(operation.body, [])].map((at): Site => ({ part: 'body', at }));
  return [...parameters, ...headers, ...body];
}

function* textsOf(schema: Json, at: readonly (string | number)[]): Generator<readonly (string | number)[]> {
  const here = resolved(schema);
  for (const choice of (here['anyOf'] ?? here['oneOf'] ?? []) as Json[]) yield* textsOf(choice, at);
  if ([here['type']].flat().includes('string') || 'enum' in here) yield at;
  if (typeof here['items'] === 'object' && here['items'] !== null) yield* textsOf(here['items'] as Json, [...at, 0]);
  for (const [name, property] of Object.entries((here['properties'] ?? {}) as Record<string, Json>))
    yield* textsOf(property, [...at, name]);
  const more = here['additionalProperties'];
  if (typeof more === 'object' && more !== null) yield [...at, 'anything'];
}

/** The request with a text at that place; all its other places are as they were. */
export function placed(parts: Parts, { part, at }: Site, text: string): Parts {
  return { ...parts, [part]: withText(parts[part], at, text) };
}

function withText(value: unknown, [key, ...rest]: readonly (string | number)[], text: string): unknown {
  if (key === undefined) return text;
  if (typeof key === 'number') {
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    return [withText(list[0], rest, text), ...list.slice(1)];
  }
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
  return { ...object, [key]: withText(object[key], rest, text) };
}
