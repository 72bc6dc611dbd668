/** Wakes one waiting loop. A ring while nobody waits is kept for the next wait; several rings count once. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or after `timeoutMs` when given. */
  wait(timeoutMs?: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(timeoutMs) {
      if (!rung) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
        });
        clearTimeout(timer);
        wake = undefined;
      }
      rung = false;
    },
  };
}
