// Builds the admin UI into dist/ when what it is made of has changed, and compresses its files once for all answers.
// Fails when the first page needs more JavaScript than the budget.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const here = import.meta.dirname;
const dist = join(here, 'dist');
const stampFile = join(dist, '.stamp');
/** JavaScript that the page loads before it shows anything, gzip. */
const initialBudgetKb = 350;
const compressible = /\.(js|css|html|svg|json)$/;

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}

/** Everything the result depends on: sources, configuration, the sources of what it uses of ours, the packages. */
function inputs() {
  const own = ['index.html', 'package.json', 'tsconfig.json', 'vite.config.mjs', 'build.mjs'].map((name) => join(here, name));
  const shared = [
    join(here, '../../package-lock.json'),
    ...filesBelow(join(here, '../../libs/contracts/src')).filter((file) => !file.includes('generated')),
    ...filesBelow(join(here, '../../libs/api-client/src')),
  ];
  return [...own, ...shared, ...filesBelow(join(here, 'src')), ...filesBelow(join(here, 'public'))].filter(
    (file) => !file.endsWith('.spec.ts'),
  );
}

function stampOf(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file.slice(here.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

function isCurrent(stamp) {
  try {
    return readFileSync(stampFile, 'utf8') === stamp;
  } catch {
    return false;
  }
}

/** Files that index.html loads at once: its scripts and what they import, as vite lists them. */
function initialScripts() {
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  return [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, name]) => join(dist, name));
}

const stamp = stampOf(inputs());
if (isCurrent(stamp)) {
  console.log('The admin UI is current');
  process.exit(0);
}
const started = performance.now();
// A build that is cut off must not look like one that is done.
rmSync(stampFile, { force: true });
await build({ root: here, logLevel: 'warn' });
for (const file of filesBelow(dist).filter((name) => compressible.test(name))) {
  const content = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
}
const initialKb = initialScripts().reduce((sum, file) => sum + statSync(`${file}.gz`).size, 0) / 1024;
if (initialKb > initialBudgetKb) {
  console.error(`The first page loads ${initialKb.toFixed(0)} KB of JavaScript (gzip); the budget is ${initialBudgetKb} KB`);
  process.exit(1);
}
writeFileSync(stampFile, stamp);
console.log(
  `Built the admin UI (${((performance.now() - started) / 1000).toFixed(1)} s, first page ${initialKb.toFixed(0)} KB of JavaScript)`,
);
