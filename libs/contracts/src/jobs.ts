export const jobStatuses = ['queued', 'running', 'waiting', 'compensating', 'succeeded', 'failed', 'cancelled', 'needs_attention'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Statuses a job never leaves by itself. */
export const terminalJobStatuses = ['succeeded', 'failed', 'cancelled', 'needs_attention'] as const satisfies readonly JobStatus[];
export type TerminalJobStatus = (typeof terminalJobStatuses)[number];

/** True when a job in this status will not move again. */
export function isTerminal(status: string): boolean {
  return (terminalJobStatuses as readonly string[]).includes(status);
}

/** The event by which a job came to a terminal status; one that needs attention may be tried again, with events behind it. */
export function isFinalEvent(type: string): boolean {
  return terminalJobStatuses.some((status) => type === `job_${status}`);
}

export const stepStatuses = ['pending', 'running', 'waiting', 'succeeded', 'failed', 'undoing', 'undone', 'skipped'] as const;
export type StepStatus = (typeof stepStatuses)[number];

export type CheckVerdict = 'pass' | 'warn' | 'block';
