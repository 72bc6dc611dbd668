import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { PlanDraft } from '../engine/kind.js';

/**
 * The canonical form (RFC 8785) of what is approved: kind, parameters, actions, impact, input revisions, and
 * each check's name, verdict and limit. The values measured are evidence and stay outside, like ids, times and
 * reason: the same inputs give the same bytes, however busy the fleet is at that moment.
 */
export function canonicalPlan(kind: string, version: number, params: unknown, draft: PlanDraft): string {
  return canonical({
    kind,
    version,
    params,
    actions: draft.actions,
    checks: draft.checks.map(({ name, verdict, limit }) => ({ name, verdict, limit })),
    impact: draft.impact,
    inputs: draft.inputs,
  });
}

/** What stands for a request: the same in whichever order its fields came. */
export function digestOfRequest(request: Readonly<Record<string, unknown>>): string {
  return digestOf(canonical(request));
}

function canonical(value: object): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('an object has a canonical form');
  return text;
}

/** `sha256:` and the hex digest of a text. */
export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
