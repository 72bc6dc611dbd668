#!/usr/bin/env node
// Writes the API's document, apps/api-gateway/openapi.json, and the types that clients are made of, from what the gateway's routes declare;
// run it after `tsc -b`. It refuses a document that breaks programs, unless --breaking says that this is meant.
// With --check it writes nothing and fails when what is committed is not current.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTypes, { astToString } from 'openapi-typescript';

const [check, mayBreak] = ['--check', '--breaking'].map((option) => process.argv.includes(option));
const fileOf = (path) => new URL(`../${path}`, import.meta.url);
const { apiDocument, breakingChanges, operationsOf } = await import('../apps/api-gateway/dist/openapi/index.js');

const document = apiDocument();
const types = astToString(await openapiTypes(JSON.parse(JSON.stringify(document)), { alphabetize: false, defaultNonNullable: false }));
const note = '// Made from apps/api-gateway/openapi.json by tools/openapi.mjs: do not change it by hand.\n';
const files = {
  'apps/api-gateway/openapi.json': `${JSON.stringify(document, null, 2)}\n`,
  'libs/api-client/src/generated/schema.ts': `${note}/* eslint-disable */\n${types}`,
  'libs/api-client/src/generated/operations.ts': `${note}export const operations = ${JSON.stringify(operationsOf(document), null, 2)} as const;\n`,
};

const read = (path) => {
  try {
    return readFileSync(fileOf(path), 'utf8');
  } catch {
    return undefined;
  }
};
const stale = Object.entries(files).filter(([path, text]) => read(path) !== text);
if (check) {
  for (const [path] of stale) console.error(`${path} is not what the routes declare: run 'node tools/openapi.mjs' and commit it`);
  process.exit(stale.length === 0 ? 0 : 1);
}
const before = read('apps/api-gateway/openapi.json');
const broken = before === undefined ? [] : breakingChanges(JSON.parse(before), JSON.parse(JSON.stringify(document)));
if (broken.length > 0 && !mayBreak) {
  console.error(`This breaks programs that use the API:\n  ${broken.join('\n  ')}\nIf that is meant: node tools/openapi.mjs --breaking`);
  process.exit(1);
}
for (const [path, text] of stale) writeFileSync(fileOf(path), text);
