#!/usr/bin/env node
// Starts the built CLI, on the project's own Node when this one is too old.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const app = join(dirname(fileURLToPath(import.meta.url)), '..');
const main = join(app, 'dist/main.js');
const ownNode = join(app, '../../node_modules/.bin/node');
const isOld = Number(process.versions.node.split('.')[0]) < 24;

if (!existsSync(main)) {
  console.error('fairlead is not built yet. In the project folder run: npm start, or: node tools/setup.mjs --build');
  process.exitCode = 1;
} else if (isOld && existsSync(ownNode)) {
  const { status, signal } = spawnSync(ownNode, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 1);
} else if (isOld) {
  console.error(`fairlead needs Node 24 or newer; this is ${process.versions.node}`);
  process.exitCode = 1;
} else {
  await import(main);
}
