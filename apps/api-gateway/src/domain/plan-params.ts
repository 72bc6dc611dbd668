import type { PlacedKind } from '@fairlead/contracts';
import type { FieldError } from './invalid.js';

/** Where a migration moves a tenant: kind → shard. */
export type Moves = Partial<Record<PlacedKind, string>>;

/**
 * The one form of a migration's target: `to` is a shard id when `kinds` has one entry, else `{kind: shard}`, which
 * then has to name the kinds that `kinds` lists, if it is there.
 */
export function movesOf(kinds: readonly PlacedKind[] | undefined, to: string | Moves): { moves: Moves } | { error: FieldError } {
  if (kinds !== undefined && new Set(kinds).size !== kinds.length) return { error: { pointer: '/kinds', detail: 'names a kind twice' } };
  if (typeof to === 'string') {
    const [kind] = kinds ?? [];
    if (kind === undefined || kinds?.length !== 1) {
      return { error: { pointer: '/to', detail: 'must be {kind: shard}: a shard id alone goes with exactly one entry in kinds' } };
    }
    return { moves: { [kind]: to } };
  }
  const named = Object.keys(to);
  if (named.length === 0) return { error: { pointer: '/to', detail: 'must name a shard for at least one kind' } };
  if (kinds !== undefined && (kinds.length !== named.length || !kinds.every((kind) => named.includes(kind)))) {
    return { error: { pointer: '/to', detail: 'must name a shard for each of kinds, and for no other' } };
  }
  return { moves: to };
}
