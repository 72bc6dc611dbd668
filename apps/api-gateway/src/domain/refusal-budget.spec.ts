import { expect, it } from '@jest/globals';
import { createRefusalBudget } from './refusal-budget.js';

it('lets so many be recorded in a window, and counts the others for the next one that is', () => {
  const budget = createRefusalBudget({ limit: 2, windowMs: 1_000 });
  const takes = [0, 1, 2, 999, 1_000, 1_001, 1_002, 2_500].map((nowMs) => budget.take(nowMs)?.unrecorded);
  expect(takes).toEqual([0, 0, undefined, undefined, 2, 0, undefined, 1]);
});
