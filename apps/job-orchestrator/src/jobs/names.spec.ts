import { expect, it } from '@jest/globals';
import { configSchema } from '../config.js';
import { jobKinds } from './index.js';
import { jobKindNames } from './names.js';

it('names every kind of job', () => {
  const kinds = jobKinds({ settings: { maxPaused: 1 } } as Parameters<typeof jobKinds>[0], {} as Parameters<typeof jobKinds>[1]);
  expect([...new Set(kinds.map(({ kind }) => kind))]).toEqual(jobKindNames);
});

it('lets no kind be named that there is not: its jobs would need nobody', () => {
  const setting = configSchema.shape.JOB_APPROVAL_KINDS;
  expect(setting.parse('tenant-drain, reload')).toEqual(['tenant-drain', 'reload']);
  expect(setting.parse(undefined)).toEqual([]);
  expect(setting.safeParse('tenant-drian').error?.issues[0]?.message).toBe(
    `there is no such kind of job; known are ${jobKindNames.join(', ')}`,
  );
});
