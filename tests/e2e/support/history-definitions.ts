import { randomUUID } from 'node:crypto';

/** Two versions of a definition, of which the first is retired and comes back. */
export async function definitionsHappen(
  post: (path: string, body: Record<string, unknown>, headers?: Record<string, string>) => Promise<{ status: number }>,
): Promise<void> {
  const reason = 'part of a history';
  const ask = async (path: string, body: Record<string, unknown>, headers?: Record<string, string>) => {
    const { status } = await post(`/admin/v1/definitions${path}`, { reason, ...body }, headers);
    if (status > 201) throw new Error(`definitions${path} was answered with ${String(status)}`);
  };
  for (const seconds of [30, 60]) {
    const steps = [{ id: 'mail', call: 'mail.send', timeout_seconds: seconds }];
    const text = JSON.stringify({ name: 'mail-receipt', kind: 'effect', triggers: ['order.paid'], steps });
    await ask('', { text }, { 'idempotency-key': randomUUID() });
  }
  await ask('/mail-receipt/versions/1/retire', {});
  await ask('/mail-receipt/versions/1/restore', {});
  await ask('/mail-receipt/versions/1/retire', {});
}
