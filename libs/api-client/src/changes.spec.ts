import { expect, it } from '@jest/globals';
import { changeOperations, isChangeKind } from './changes.js';
import { operations } from './generated/operations.js';

it('knows each change that the API can plan, and how its job is started', () => {
  const planned = Object.values(operations).flatMap(({ method, path }) =>
    method === 'POST' ? (/^\/admin\/v1\/plan\/([\w/-]+)$/.exec(path)?.[1] ?? []) : [],
  );
  expect(Object.keys(changeOperations).toSorted()).toEqual(planned.map((path) => path.replace('/', '-')).toSorted());
  for (const [kind, { plan, start }] of Object.entries(changeOperations)) {
    const path = planned.find((one) => one.replace('/', '-') === kind) ?? '';
    expect(operations[plan]).toEqual({ method: 'POST', path: `/admin/v1/plan/${path}` });
    expect(operations[start]).toEqual({ method: 'POST', path: `/admin/v1/jobs/${path}` });
  }
});

it('tells a kind of change from any other text', () => {
  expect(['reload', 'tenant-migrate', 'toString', '', 'Reload'].filter(isChangeKind)).toEqual(['reload', 'tenant-migrate']);
});
