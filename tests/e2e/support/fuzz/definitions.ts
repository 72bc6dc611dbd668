/** Definitions of effects and sagas, for a fuzzer to put, retire and compare. */
import type { Fuzzer } from './fuzzer.js';
import type { World } from './world.js';

const definition = (name: string, seconds: number) =>
  JSON.stringify({
    ...{ name, kind: 'saga', triggers: ['order.placed'] },
    steps: [{ id: 'charge', call: 'payments.charge', timeout_seconds: seconds, compensation: 'refund' }],
    compensations: [{ id: 'refund', call: 'payments.refund' }],
  });

/** What may be put: new versions of one definition. */
export const definitionTexts = [30, 40, 50, 60].map((seconds) => definition('charge-order', seconds));

/** Two versions, of which the first is retired and restored. */
export async function definitions({ fuzzer, world }: { fuzzer: Fuzzer; world: World }): Promise<void> {
  const reason = 'part of a fuzz';
  for (const text of definitionTexts.slice(0, 2)) await fuzzer.ask('definitions.put', { body: { text, reason } });
  const path = { name: 'charge-order', version: 1 };
  for (const change of ['retire', 'restore']) await fuzzer.ask(`definitions.${change}`, { path, body: { reason } });
  world.know('definitions', 'charge-order');
  world.know('definition versions', 1, 2);
  world.know('definition texts', ...definitionTexts);
}
