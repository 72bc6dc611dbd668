import { expect, it } from '@jest/globals';
import { preparePermissions } from './permissions.js';

it('asks of a principal with as many scopes as a token holds, and gets the right answers', async () => {
  const measure = await preparePermissions({ questions: 800 });
  const { nsEach } = await measure();
  expect(nsEach).toBeGreaterThan(0);
});
