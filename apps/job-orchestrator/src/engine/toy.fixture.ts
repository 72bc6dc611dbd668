/** A job kind whose steps a spec gives; its plan rests on one revision that the spec moves. */
import { z } from 'zod';
import type { JobKind, Step, StepContext } from './kind.js';

export interface Toy {
  tenant: string;
}

/** What the toy's plans are made from. */
export const world = { revision: 1 };

/** A step that does nothing, with parts of its own. */
export function step(name: string, parts: Partial<Step<Toy>> = {}): Step<Toy> {
  return {
    name,
    attemptTimeoutMs: 5_000,
    timeoutMs: 20_000,
    retry: { maxAttempts: 3, baseDelayMs: 5, maxDelayMs: 20 },
    run: () => Promise.resolve({ outcome: 'done' }),
    undo: () => Promise.resolve({ outcome: 'done' }),
    ...parts,
  };
}

/** The kind, of these steps. */
export function toyKind(steps: Step<Toy>[], parts: Partial<JobKind<Toy>> = {}): JobKind {
  const kind: JobKind<Toy> = {
    kind: 'toy',
    version: 1,
    permission: 'tenant.migrate',
    params: z.object({ tenant: z.string() }),
    deadlineMs: 60_000,
    locks: ({ tenant }) => [`tenant/${tenant}`],
    tenantOf: ({ tenant }) => tenant,
    readInputs: () => Promise.resolve(world.revision),
    plan: ({ tenant }, input) => ({
      actions: [],
      checks: [],
      impact: { tenants: [tenant], services: [], expectedPauseMs: 0 },
      inputs: [{ resource: 'toy', revision: input as number }],
    }),
    steps,
    ...parts,
  };
  return kind as JobKind;
}

/** A promise and what resolves it. */
export function openable(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A run that ends only when it is aborted. */
export function waitForAbort(context: StepContext<Toy>): Promise<never> {
  return new Promise((_resolve, reject) => {
    context.signal.addEventListener('abort', () => {
      reject(new Error('aborted'));
    });
  });
}
