import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { FairleadError, placedKinds } from '@fairlead/contracts';
import type { PlacementSource } from '../format/index.js';
import {
  placementDocument,
  placementFiles,
  routingDocument,
  sourceOf,
  type DocumentName,
  type PlacementDocument,
  type RoutingDocument,
} from './documents.js';
import { JsonFault, parseJson, placeOf, type Place } from './json.js';

/** One file's bytes, or the error code of the file system. */
export type FileContent = { readonly bytes: Buffer } | { readonly problem: string };
export type FileContents = Readonly<Record<DocumentName, FileContent>>;

/** Larger than 50,000 long-named tenants by far. */
const largestFileBytes = 64 * 1024 * 1024;

/**
 * Reads the two placement files of a folder as one snapshot. Throws FairleadError `invalid_argument` with the file, line,
 * column and reason when one is missing, can't be read or is wrong; `revision_mismatch` when they are of two versions.
 */
export async function readPlacementFiles(dir: string): Promise<PlacementSource> {
  return parsePlacementFiles(dir, await readContents(dir));
}

/** Reads the bytes of both files; never throws. */
export async function readContents(dir: string): Promise<FileContents> {
  const files = placementFiles(dir);
  const [placement, routing] = await Promise.all([readContent(files.placement), readContent(files.routing)]);
  return { placement, routing };
}

async function readContent(file: string): Promise<FileContent> {
  try {
    if ((await stat(file)).size > largestFileBytes) return { problem: `it is larger than ${String(largestFileBytes)} bytes` };
    return { bytes: await readFile(file) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problem: code === 'ENOENT' ? 'it is missing' : `it can not be read (${code ?? 'unknown error'})` };
  }
}

/** What the contents of both files say together; throws as readPlacementFiles does. */
export function parsePlacementFiles(dir: string, contents: FileContents): PlacementSource {
  const files = placementFiles(dir);
  const placementText = textOf(files.placement, contents.placement);
  const routingText = textOf(files.routing, contents.routing);
  const placement = parseDocument(files.placement, placementText, placementDocument);
  const routing = parseDocument(files.routing, routingText, routingDocument);
  if (placement.epoch !== routing.epoch || placement.revision !== routing.revision) {
    const versionOf = ({ epoch, revision }: { epoch: number; revision: number }) => `epoch ${String(epoch)}, revision ${String(revision)}`;
    throw new FairleadError(
      'revision_mismatch',
      `${files.placement} (${versionOf(placement)}) and ${files.routing} (${versionOf(routing)}) are not of one version`,
    );
  }
  const lost = findLostTenant(placement, routing);
  if (lost !== undefined) {
    const path = [`${lost.kind}_placement`, lost.tenantId, 'shard'];
    const problem = `${files.routing} has no ${lost.kind} shard ${lost.shardId}`;
    throw wrong(files.placement, placeOf(placementText, path), pointer(path), problem);
  }
  return sourceOf(placement, routing);
}

function textOf(file: string, content: FileContent): string {
  if ('problem' in content) throw new FairleadError('invalid_argument', `${file}: ${content.problem}`, { details: { file } });
  const text = content.bytes.toString('utf8');
  if (!isUtf8(content.bytes)) {
    const broken = text.slice(0, text.indexOf('\uFFFD'));
    const line = broken.split('\n').length;
    throw wrong(file, { line, column: broken.length - broken.lastIndexOf('\n') }, '', 'the text is not UTF-8');
  }
  return text;
}

function parseDocument<Schema extends z.ZodType>(file: string, text: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw wrong(file, error.place, '', error.message);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, problem } = explain(result.error, value);
  throw wrong(file, placeOf(text, path), pointer(path), problem);
}

/** The first thing that is wrong, and the path to it. */
function explain(error: z.ZodError, value: unknown): { path: PropertyKey[]; problem: string } {
  const [issue] = error.issues;
  if (issue === undefined) return { path: [], problem: 'is not valid' };
  if (issue.code === 'unrecognized_keys') return { path: [...issue.path, ...issue.keys.slice(0, 1)], problem: 'is not known here' };
  if (issue.code === 'invalid_key') return { path: issue.path, problem: `the name ${issue.issues[0]?.message ?? 'is not valid'}` };
  return { path: issue.path, problem: isThere(value, issue.path) ? issue.message : 'is missing' };
}

function isThere(value: unknown, path: readonly PropertyKey[]): boolean {
  return path.reduce<unknown>((at, key) => (at as Partial<Record<PropertyKey, unknown>> | undefined)?.[key], value) !== undefined;
}

/** A tenant on a shard that the routing document does not have. */
function findLostTenant(placement: PlacementDocument, routing: RoutingDocument) {
  for (const kind of placedKinds) {
    for (const [tenantId, { shard }] of Object.entries(placement[`${kind}_placement`])) {
      if (!Object.hasOwn(routing.shards[kind], shard)) return { kind, tenantId, shardId: shard };
    }
  }
  return undefined;
}

const pointer = (path: readonly PropertyKey[]) => path.map((key) => `/${String(key)}`).join('');

function wrong(file: string, { line, column }: Place, at: string, problem: string): FairleadError {
  const where = `${file}:${String(line)}:${String(column)}`;
  return new FairleadError('invalid_argument', at === '' ? `${where}: ${problem}` : `${where}: ${at}: ${problem}`, {
    details: { file, line, column },
  });
}
