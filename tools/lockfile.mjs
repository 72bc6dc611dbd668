// A registry mirror may lack the binary packages of other systems; npm then leaves them out of the lockfile, and
// `npm ci` refuses it later. This adds what is missing, without integrity: version, os and cpu are known.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

if (process.argv.includes('--help')) {
  console.log(
    'node tools/lockfile.mjs [--check]\n  Completes package-lock.json with optional packages of other systems; --check only says whether it is complete.',
  );
  process.exit(0);
}

const file = join(dirname(fileURLToPath(import.meta.url)), '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

/** True when a package at `from` finds `name` in its own node_modules or in one further up. */
function resolves(from, name) {
  for (let at = from; ;) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
    const cut = at.lastIndexOf('/node_modules/');
    at = cut === -1 ? '' : at.slice(0, cut);
  }
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'wasm32'];
const cpus = {
  arm64: 'arm64',
  aarch64: 'arm64',
  armv7: 'arm',
  arm: 'arm',
  x64: 'x64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
};

/** What the package's name says about where it runs, as package.json fields. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  if (os === undefined) return undefined;
  if (os === 'wasm32') return { cpu: ['wasm32'] };
  const cpu = words.map((word) => cpus[word]).find((found) => found !== undefined);
  const libc = words.includes('musl') ? { libc: ['musl'] } : {};
  return { ...(cpu === undefined ? {} : { cpu: [cpu] }), ...libc, os: [os] };
}

const added = [];
const unknown = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(path, name)) continue;
    const platform = platformOf(name);
    const version = /\d+\.\d+\.\d+[-\w.]*/.exec(range)?.[0];
    if (platform === undefined || version === undefined) {
      unknown.push(`${name}@${range}, asked for by ${path}`);
      continue;
    }
    packages[`node_modules/${name}`] = {
      version,
      ...platform,
      ...(entry.dev === true ? { dev: true } : {}),
      license: entry.license,
      optional: true,
    };
    added.push(`${name}@${version}`);
  }
}

if (unknown.length > 0) console.error(`Missing from package-lock.json, not completed:\n  ${unknown.join('\n  ')}`);
if (process.argv.includes('--check')) {
  if (added.length > 0) console.error(`Missing from package-lock.json:\n  ${added.join('\n  ')}\nRun: node tools/lockfile.mjs`);
  else if (unknown.length === 0) console.log('package-lock.json is complete.');
  process.exit(added.length + unknown.length > 0 ? 1 : 0);
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'package-lock.json is complete.' : `Added ${added.length} packages of other systems to package-lock.json`);
process.exit(unknown.length > 0 ? 1 : 0);
