import { isPlacedKind, placedKinds, type PlacedKind } from '@fairlead/contracts';
import { CliError, exitCodes } from './exit.js';

/** Where a tenant is to go: a shard per kind, or one shard whose kind is not known yet. */
export type Targets = { readonly moves: ReadonlyMap<PlacedKind, string> } | { readonly shard: string };

/**
 * Reads `--to` (`runner-2`, or `runner=runner-2,aggregate=aggregate-1`) together with the kinds of `--kind`.
 * Throws a usage error when they do not fit.
 */
export function parseTargets(to: string, kinds: readonly string[]): Targets {
  const wanted = kinds.map(placedKind);
  const parts = to
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const [only] = parts;
  if (only === undefined) throw usage('--to names no shard');
  if (parts.length === 1 && !only.includes('=')) {
    const [kind, ...more] = wanted;
    if (kind === undefined) return { shard: only };
    if (more.length > 0) throw usage('--to with one shard takes one --kind; for more, give kind=shard,…');
    return { moves: new Map([[kind, only]]) };
  }
  return { moves: parseMoves(parts, wanted) };
}

function parseMoves(parts: readonly string[], wanted: readonly PlacedKind[]): Map<PlacedKind, string> {
  const moves = new Map<PlacedKind, string>();
  for (const part of parts) {
    const [name = '', shard = '', ...more] = part.split('=');
    if (shard === '' || more.length > 0) throw usage(`--to: not kind=shard: ${part}`);
    const kind = placedKind(name);
    if (moves.has(kind)) throw usage(`--to names ${kind} twice`);
    moves.set(kind, shard);
  }
  const missing = wanted.filter((kind) => !moves.has(kind));
  if (missing.length > 0) throw usage(`--to names no shard for ${missing.join(', ')}`);
  const extra = wanted.length === 0 ? [] : [...moves.keys()].filter((kind) => !wanted.includes(kind));
  if (extra.length > 0) throw usage(`--to names ${extra.join(', ')}, --kind does not`);
  return moves;
}

/** The kinds of service of `--kind`, as the gateway takes them; throws a usage error for another. */
export function placedKind(name: string): PlacedKind {
  if (isPlacedKind(name)) return name;
  throw usage(`not a kind of service that tenants are placed on: ${name} (known: ${placedKinds.join(', ')})`);
}

/** Finds the kind of a shard that was named alone. Throws when no kind has it, or more than one. */
export function kindOfShard(shard: string, shards: readonly { kind?: string | null; shard_id?: string | null }[]): PlacedKind {
  const kinds = shards.filter(({ shard_id: id }) => id === shard).map(({ kind }) => kind ?? '');
  const placed = kinds.filter(isPlacedKind);
  const [kind, ...more] = placed;
  if (kind === undefined) throw new CliError(`there is no shard ${shard} that tenants are placed on`, exitCodes.notFound);
  if (more.length > 0) throw usage(`${shard} is a shard of ${placed.join(' and ')}; say which with --kind`);
  return kind;
}

/** The request's fields for where to go. */
export function movesBody(moves: ReadonlyMap<PlacedKind, string>): { kinds: PlacedKind[]; to: string | Record<string, string> } {
  const kinds = [...moves.keys()];
  const [first] = moves.values();
  return { kinds, to: moves.size === 1 && first !== undefined ? first : Object.fromEntries(moves) };
}

function usage(message: string): CliError {
  return new CliError(message, exitCodes.usage);
}
