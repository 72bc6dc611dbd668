#!/usr/bin/env node
// Writes deploy/swarm/nats.accounts.conf, who may do what on NATS, from the table in libs/contracts/src/nats-access.ts; run it after `tsc -b`.
// With --check it writes nothing and fails when what is committed is not current.
import { readFileSync, writeFileSync } from 'node:fs';

const { natsAccountsFile } = await import('./dev-env/dist/nats-by-certificate.js');
const file = new URL('../deploy/swarm/nats.accounts.conf', import.meta.url);
const text = natsAccountsFile();
let found;
try {
  found = readFileSync(file, 'utf8');
} catch {
  // Made for the first time.
}
if (found !== text && process.argv.includes('--check')) {
  console.error("deploy/swarm/nats.accounts.conf is not what the table says: run 'node tools/nats-access.mjs' and commit it");
  process.exit(1);
}
if (found !== text) writeFileSync(file, text);
