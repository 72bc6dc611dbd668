// node tools/history.mjs <name>: records tests/histories/<day>-<name>.jsonl, the log of a whole stack in which as many
// sorts of events come about as a few seconds allow (tests/e2e/support/history.ts). When to: docs/adding-an-event-type.md.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name, ...more] = process.argv.slice(2);
if (name === undefined || more.length > 0 || !/^[a-z0-9][a-z0-9-]*$/.test(name)) {
  console.error('node tools/history.mjs <name>    records tests/histories/<day>-<name>.jsonl; a name is lower-case letters, digits and -');
  process.exit(2);
}
const file = join(root, 'tests/histories', `${new Date().toISOString().slice(0, 10)}-${name}.jsonl`);
// What a release left in its log stays as it was.
if (existsSync(file)) {
  console.error(`${relative(root, file)} is there already`);
  process.exit(1);
}
const node = (args, env = {}) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
if (node(['tools/setup.mjs', '--build']) !== 0) process.exit(1);
const status = node(['tools/jest.mjs', 'tests/e2e/history\\.e2e', '--selectProjects', 'e2e', '--forceExit'], { FAIRLEAD_HISTORY: file });
if (status === 0) console.log(`\nRecorded: ${relative(root, file)}. Now: UPDATE_GOLDEN=1 npm run test:unit -- tests/histories`);
process.exit(status);
