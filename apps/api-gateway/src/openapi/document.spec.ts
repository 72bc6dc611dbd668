/** The API's document as it is committed. */
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { apiDocument } from './index.js';

const committed = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');

it('is what the routes declare (if not: node tools/openapi.mjs)', () => {
  expect(JSON.parse(committed)).toEqual(JSON.parse(JSON.stringify(apiDocument())));
});

it('keeps the rules of a linter', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] });
  const problems = await lintFromString({ source: committed, config });
  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer ?? ''}`)).toEqual([]);
});

it('gives every operation a name of its own, and a summary', () => {
  const operations = Object.values(apiDocument().paths).flatMap((methods) => Object.values(methods));
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
  expect(operations.filter(({ summary }) => typeof summary !== 'string' || !/^[A-Z].*\.$/.test(summary))).toEqual([]);
});
