// Jest globalSetup of the projects with real servers: makes the folder of this run and the process that tidies up
// after it. Servers are started by the first test that asks for one.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default function setup() {
  if (process.env.FAIRLEAD_TEST_RUN !== undefined) return;
  const runDir = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
  // PostgreSQL runs as another user when we are root, and has to get in.
  chmodSync(runDir, 0o711);
  mkdirSync(join(runDir, 'servers'), { mode: 0o700 });
  const janitor = spawn(process.execPath, [join(import.meta.dirname, 'janitor.mjs'), runDir, String(process.pid)], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
  });
  janitor.unref();
  process.env.FAIRLEAD_TEST_RUN = runDir;
  globalThis.fairleadTestJanitor = janitor;
}
