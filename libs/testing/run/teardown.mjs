// Jest globalTeardown, also after failed tests.
import { sweep } from './sweep.mjs';

export default async function teardown() {
  const runDir = process.env.FAIRLEAD_TEST_RUN;
  if (runDir === undefined) return;
  delete process.env.FAIRLEAD_TEST_RUN;
  await sweep(runDir);
  globalThis.fairleadTestJanitor?.kill('SIGKILL');
}
