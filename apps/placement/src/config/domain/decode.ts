/** From a text to a document: JSON or YAML, with bounds. */
import { isAlias, isScalar, parseDocument, visit, type Document } from 'yaml';
import { configError, maxProblems, pointerOf, type Problem } from './problems.js';
import type { Content } from './canonical.js';

export const configFormats = ['json', 'yaml'] as const;
export type ConfigFormat = (typeof configFormats)[number];

/** In UTF-8. NATS takes messages of 1 MiB, and a KV value holds the content with a little more. */
export const maxTextBytes = 256 * 1024;
export const maxDepth = 24;
export const maxAliases = 50;
export const maxNameLength = 1_024;
/** How often what is named may come up, aliases within aliases included. */
const maxExpansions = 1_000;

/**
 * Reads a document's text. Throws `config_decode` with what is wrong and where: not JSON or YAML, too large, too deep, a member twice, too many
 * aliases, a value that JSON does not have, or no object.
 */
export function decode(text: string, format: ConfigFormat): Content {
  if (Buffer.byteLength(text) > maxTextBytes) throw fault(`is larger than ${String(maxTextBytes)} bytes`);
  // Editors on Windows put a mark of the byte order before a text. The YAML parser takes one by itself.
  const value = format === 'json' ? fromJson(text.replace(/^\uFEFF/, '')) : fromYaml(text);
  const problems: Problem[] = [];
  findUnusable(value, [], problems);
  if (problems.length > 0) throw configError('config_decode', problems);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault('must be an object');
  return value as Content;
}

const fault = (detail: string) => configError('config_decode', [{ pointer: '', detail }]);

function fromJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fault(`is not JSON: ${messageOf(error)}`);
  }
  // Of a member that stands twice JSON takes the last one in silence; JSON is YAML, and there it is an error.
  const twice = guarded(() => twiceIn(documentOf(text)));
  if (twice !== undefined) throw fault(`is not clear: ${twice}`);
  return value;
}

function fromYaml(text: string): unknown {
  return guarded(() => {
    const document = documentOf(text);
    if (document.errors.some(({ code }) => code === 'MULTIPLE_DOCS')) throw fault('holds more than one document');
    const wrong = [...document.errors, ...document.warnings][0]?.message ?? twiceIn(document);
    if (wrong !== undefined) throw fault(`is not YAML: ${firstLine(wrong)}`);
    if (aliasesOf(document) > maxAliases) throw fault(`has more than ${String(maxAliases)} aliases`);
    const value: unknown = document.toJS({ maxAliasCount: maxExpansions });
    // Aliases make much of little.
    if (((JSON.stringify(value) as string | undefined) ?? '').length > maxTextBytes)
      throw fault('is too large once its aliases are resolved');
    return value;
  });
}

function documentOf(text: string): Document.Parsed {
  // Its own look for members that stand twice compares each with all before it: half a minute for what is allowed.
  return parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: false, stringKeys: true, merge: false, logLevel: 'error' });
}

/** Says which member stands twice in one map; undefined when none does. */
function twiceIn(document: Document.Parsed): string | undefined {
  let found: string | undefined;
  visit(document, {
    Map: (_key, { items }) => {
      const names = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (names.has(name)) {
          found = `the member ${JSON.stringify(name).slice(0, 100)} stands twice`;
          return visit.BREAK;
        }
        names.add(name);
      }
      return undefined;
    },
  });
  return found;
}

function aliasesOf(document: Document.Parsed): number {
  let found = 0;
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) found += 1;
    },
  });
  return found;
}

/** The parser goes down into a text by calling itself: one that is nested without end has no stack left. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw fault(`has more than ${String(maxDepth)} levels`);
    if (error instanceof ReferenceError) throw fault(`has aliases that can't be resolved: ${messageOf(error)}`);
    throw error;
  }
}

/** Adds what can't be kept of a value, and where, until there are as many problems as are told. */
function findUnusable(value: unknown, path: readonly PropertyKey[], problems: Problem[]): void {
  if (problems.length >= maxProblems) return;
  const problem = (detail: string) => {
    problems.push({ pointer: pointerOf(path.slice(0, maxDepth)), detail });
  };
  if (path.length > maxDepth) problem(`has more than ${String(maxDepth)} levels`);
  else if (typeof value === 'string') {
    if (!isClean(value)) problem('holds characters that are no text');
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) problem('is not a number that JSON has');
  } else if (Array.isArray(value))
    value.forEach((element, at) => {
      findUnusable(element, [...path, at], problems);
    });
  else if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) {
      if (key.length > maxNameLength) problem(`has a member whose name is longer than ${String(maxNameLength)} characters`);
      else if (!isClean(key) || key === '__proto__') problem('has a member whose name can not be used');
      else findUnusable(member, [...path, key], problems);
    }
  else if (value !== null && typeof value !== 'boolean') problem('is not a value that JSON has');
}

/** Postgres keeps no NUL, and half a surrogate pair is no character. */
function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

const firstLine = (message: string) => (message.split('\n', 1)[0] ?? message).replace(/:$/, '').slice(0, 200);
const messageOf = (error: unknown) => firstLine(error instanceof Error ? error.message : String(error));
