// npm test: generated code, compiled code, and every test that needs no Docker engine and no cloud account.
// The last line is `N passed, N failed`; the exit code is 0 only when nothing failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

if (process.argv.includes('--help')) {
  console.log(`npm test [-- <path pattern>...]
  Checks that the generated code is current, compiles, and runs the unit, integration and end-to-end tests
  (all, or those whose path matches a pattern). Real PostgreSQL and NATS are started as local processes.
  CONTROL_TEST_NATS_URL   use this NATS server instead
  CHROME_PATH             drive this browser; else one on the PATH, else Debian's chromium, which is installed where that may be
  Parts: npm run test:unit | test:integration | test:e2e`);
  process.exit(0);
}

/** Runs a script of ours with the Node that runs this one. */
function node(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

/** Runs Jest and counts; a suite that could not run counts as one failed test. */
function jest(projects, ...args) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-report-'));
  const report = join(folder, 'report.json');
  const select = ['--selectProjects', ...projects, '--json', `--outputFile=${report}`, '--passWithNoTests'];
  // A failed test may leave a server open, which must not keep the run from ending.
  const ok = node(join(root, 'tools/jest.mjs'), ...args, ...select, '--forceExit');
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    return { passed: result.numPassedTests, failed: ok ? failed : Math.max(1, failed) };
  } catch {
    console.error('Jest ended without a report');
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const patterns = process.argv.slice(2);
const step = (title) => console.log(`\n== ${title}`);
const counts = [];

step('generated code');
const generated = node('tools/proto.mjs', '--check');
step('compile');
const compiled = node('tools/setup.mjs', '--build');
// Made from the compiled routes.
const document = compiled && node('tools/openapi.mjs', '--check');
// Made from the compiled table.
const natsAccess = compiled && node('tools/nats-access.mjs', '--check');
const checks = [generated, compiled, document, natsAccess];
counts.push({ passed: checks.filter(Boolean).length, failed: checks.filter((passed) => !passed).length });

step('unit and integration tests');
// Two files at a time, each in a process of its own.
counts.push(jest(['unit', 'integration'], ...patterns, '--maxWorkers=2'));
if (compiled) {
  step('end-to-end tests');
  // Whole stacks with load: one at a time.
  counts.push(jest(['e2e'], ...patterns, '--runInBand'));
}

const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
process.exit(sum('failed') === 0 ? 0 : 1);
