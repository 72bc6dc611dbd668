import { setTimeout as delay } from 'node:timers/promises';
import { tailOf } from '@fairlead/local-servers';
import type { Unit } from './unit.js';

export interface Awaited {
  readonly name: string;
  /** Undefined when ready, else why not yet. */
  check(): Promise<string | undefined>;
  readonly unit: Unit;
}

const everyMs = 100;

/**
 * Waits until all are ready, telling each as it becomes so.
 * @throws Error with the last lines of its log when one has no hope of it, or when `timeoutMs` is over
 */
export async function waitUntilReady(
  awaited: readonly Awaited[],
  options: { timeoutMs: number; signal: AbortSignal; log: (line: string) => void },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  let left = [...awaited];
  for (;;) {
    const results = await Promise.all(left.map(async (one) => ({ one, reason: await one.check() })));
    options.signal.throwIfAborted();
    for (const { one, reason } of results) if (reason === undefined) options.log(`${one.name} is ready`);
    const waiting = results.filter(({ reason }) => reason !== undefined);
    if (waiting.length === 0) return;
    left = waiting.map(({ one }) => one);
    for (const { one } of waiting) {
      const problem = one.unit.problem();
      if (problem !== undefined) throw new Error(`${problem}:\n${tailOf(one.unit.spec.logFile)}`);
    }
    if (performance.now() > deadline) {
      const reasons = waiting.map(({ one, reason }) => `  ${one.name}: ${reason ?? ''} (log: ${one.unit.spec.logFile})`);
      throw new Error(`Not ready within ${String(options.timeoutMs / 1000)} s:\n${reasons.join('\n')}`);
    }
    await delay(everyMs, undefined, { signal: options.signal });
  }
}

/** Asks a service's `/ready`; undefined when it is and nothing is degraded, else why not. Another program that answers there is not it. */
export async function notReady(service: string, url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(3_000) });
    const body = (await response.json()) as { service?: string; checks?: Record<string, { ok: boolean; problem?: string }> };
    if (body.service !== service) return `another program answers at ${url}`;
    const problems = Object.entries(body.checks ?? {}).filter(([, check]) => !check.ok);
    if (problems.length === 0) return response.ok ? undefined : `answers ${String(response.status)}`;
    return problems.map(([name, check]) => `${name}: ${check.problem ?? 'failed'}`).join(', ');
  } catch {
    return 'does not answer yet';
  }
}
