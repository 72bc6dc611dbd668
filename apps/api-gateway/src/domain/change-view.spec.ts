import { expect, it } from '@jest/globals';
import { changeView } from './change-view.js';

const event = {
  ...{ position: 1, aggregateType: 'job', aggregateId: 'job_1', version: 1, type: 'job_failed', schemaVersion: 1 },
  payload: { tenant_id: 'acme', error: { code: 'timeout', message: 'globex', host: 'h1' }, by: 'user:usr_1', added_later: 'globex' },
  meta: { principal: 'user:usr_1', request_id: 'r', correlation_id: 'c', step: 'drain' },
  recordedAt: new Date(0),
};
const audience = { permission: undefined, tenant: 'acme', node: undefined };

it.each([
  [['tenant_id', 'error.code', 'error.step'], { tenant_id: 'acme', error: { code: 'timeout' } }],
  [['error', 'by', 'constructor.name'], { error: { code: 'timeout', host: 'h1' } }],
  [[], {}],
])('shows readers who are kept to a scope what is named for them alone: %j', (scoped, payload) => {
  expect(changeView(event, audience, { cursor: '1', scoped })).toMatchObject({ payload, meta: { step: 'drain' } });
  expect(changeView(event, audience, { cursor: '1', scoped }).payload).toEqual(payload);
});

it('shows everything to those who see the whole platform', () => {
  expect(changeView(event, audience, { cursor: '1' })).toMatchObject({ payload: event.payload, meta: event.meta });
});
