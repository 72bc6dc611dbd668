import { randomUUID } from 'node:crypto';
import { send } from './operator.js';

/** A webhook whose receiver is not there, and what people do about it; adds its secrets to those that no event may hold. */
export async function webhooksHappen(stackUrl: string, bearer: Record<string, string>, given: string[]): Promise<void> {
  const ask = async (method: string, path: string, body?: Record<string, unknown>) => {
    const headers = { ...bearer, 'idempotency-key': randomUUID(), 'if-match': '*' };
    const url = `${stackUrl}/admin/v1/webhooks${path}`;
    const answer = await send<{ webhook_id: string; secret?: string }>(url, { method, headers, ...(body === undefined ? {} : { body }) });
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered with ${JSON.stringify(answer.body)}`);
    given.push(...[answer.body.secret ?? []].flat());
    return answer.body;
  };
  const url = 'http://127.0.0.1:9/hook?key=of-the-receiver';
  given.push('of-the-receiver');
  const path = `/${(await ask('POST', '', { name: 'pager', url, types: ['job.job_failed', 'webhook.*'] })).webhook_id}`;
  await ask('POST', `${path}/rotate`, {});
  await ask('PATCH', path, { types: ['job.*'] });
  await ask('PATCH', path, { enabled: false });
  await ask('PATCH', path, { enabled: true });
  await ask('POST', `${path}/test`);
  await ask('POST', `${path}/replay`, { from: 1, to: 10 });
  await ask('DELETE', path);
  await ask('POST', '', { name: 'kept', url, types: ['schedule.*'] });
}
