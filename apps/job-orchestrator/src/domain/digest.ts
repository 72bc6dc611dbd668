import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { PlanDraft } from '../engine/kind.js';

/**
 * The canonical form (RFC 8785) of what is approved: kind, parameters, actions, impact, input revisions, and
 * each check's name, verdict and limit. The values measured are evidence and stay outside, like ids, times and
 * reason: the same inputs give the same bytes, however busy the fleet is at that moment.
 */
export function canonicalPlan(kind: string, version: number, params: unknown, draft: PlanDraft): string {
  const text = canonicalize({
    kind,
    version,
    params,
    actions: draft.actions,
    checks: draft.checks.map(({ name, verdict, limit }) => ({ name, verdict, limit })),
    impact: draft.impact,
    inputs: draft.inputs,
  });
  if (text === undefined) throw new Error('a plan has a canonical form');
  return text;
}

/** `sha256:` and the hex digest of a text. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
