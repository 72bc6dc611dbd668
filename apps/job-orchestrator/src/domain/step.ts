import type { ErrorCode } from '@fairlead/contracts';

/** Why a step did not succeed. */
export interface StepFailure {
  code: ErrorCode;
  message: string;
}

/** What a step's run came to. A thrown error counts as `retry` or `failed` by its kind (see classify.ts). */
export type StepResult =
  | { outcome: 'done'; output?: Record<string, unknown> }
  /**
   * Nothing is wrong; look again later, or as soon as a signal of that name is there, or when fewer of its jobs are open than so many. Does
   * not use up an attempt. An output tells how far it is.
   */
  | { outcome: 'wait'; delayMs: number; note?: string; signal?: string; openChildren?: number; output?: Record<string, unknown> }
  | { outcome: 'failed'; error: StepFailure };

export interface RetryPolicy {
  /** Runs at most, the first included. */
  maxAttempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
}

/** What the machine needs to know of a step's definition. */
export interface StepRules {
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** The undo's limit, waits and retries included. */
  readonly undoTimeoutMs: number;
  readonly canUndo: boolean;
  readonly pointOfNoReturn: boolean;
}
