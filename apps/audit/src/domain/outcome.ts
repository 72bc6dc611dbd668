/** What an event says of the action it belongs to: asked for, done, gone wrong, or refused. */
export const outcomes = ['requested', 'succeeded', 'failed', 'denied'] as const;
export type Outcome = (typeof outcomes)[number];

/** The last words of event types that are not a success; every other event tells of something done. */
const outcomeOfWord: Readonly<Record<string, Outcome>> = {
  requested: 'requested',
  queued: 'requested',
  started: 'requested',
  accepted: 'requested',
  issued: 'requested',
  scheduled: 'requested',
  waiting: 'requested',
  progressed: 'requested',
  compensating: 'requested',
  retrying: 'failed',
  failed: 'failed',
  aborted: 'failed',
  attention: 'failed',
  overdue: 'failed',
  missed: 'failed',
  denied: 'denied',
  refused: 'denied',
  rejected: 'denied',
  blocked: 'denied',
};

const outcomeOfStatus: Readonly<Record<string, Outcome>> = {
  queued: 'requested',
  pending: 'requested',
  running: 'requested',
  waiting: 'requested',
  compensating: 'requested',
  undoing: 'requested',
  failed: 'failed',
  needs_attention: 'failed',
  denied: 'denied',
};

/**
 * Derives the outcome. The payload's own `outcome` counts first, then the last word of the event type
 * (`drain_requested`, `login_failed`, `job_needs_attention`), then the payload's `status`.
 */
export function outcomeOf(eventType: string, payload: Readonly<Record<string, unknown>>): Outcome {
  const declared = payload['outcome'];
  if (isOutcome(declared)) return declared;
  const byWord = lookUp(outcomeOfWord, eventType.slice(eventType.lastIndexOf('_') + 1));
  return byWord ?? lookUp(outcomeOfStatus, payload['status']) ?? 'succeeded';
}

function isOutcome(value: unknown): value is Outcome {
  return (outcomes as readonly unknown[]).includes(value);
}

function lookUp(table: Readonly<Record<string, Outcome>>, key: unknown): Outcome | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}
