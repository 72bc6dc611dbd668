// Brings a clone to where npm start and npm test can run: packages, Node 24, and with --build the compiled code.
// Runs on the machine's own Node (20 or newer) before anything is installed; uses nothing but Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'node_modules/.fairlead-installed');
const bundledNode = join(root, 'node_modules/.bin/node');
const neededNode = 24;

const usage = `node tools/setup.mjs [--build] [--help]
  Installs the packages when package-lock.json has changed, and checks for Node ${neededNode}.
  --build   also compiles all TypeScript and builds the admin UI (only what has changed)`;

function fail(message) {
  console.error(`\n${message}`);
  process.exit(1);
}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** What node_modules must have been installed from. */
function wantedStamp() {
  const lockfile = readFileSync(join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lockfile).digest('hex')} ${process.platform}-${process.arch}`;
}

/** True when node_modules is what the lockfile asks for, also when npm install brought it there. */
function isInstalled() {
  const wanted = wantedStamp();
  try {
    if (readFileSync(stampFile, 'utf8').trim() === wanted) return true;
  } catch {
    // No stamp: npm's own record of what it installed decides.
  }
  if (!sameAsLockfile()) return false;
  writeFileSync(stampFile, `${wanted}\n`);
  return true;
}

/** npm ends an install by writing node_modules/.package-lock.json; packages of other systems are not in it. */
function sameAsLockfile() {
  const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  try {
    const installed = read('node_modules/.package-lock.json');
    return Object.entries(read('package-lock.json')).every(([path, entry]) => {
      if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
      if (entry.link === true) return existsSync(join(root, path));
      return installed[path] === undefined ? entry.optional === true : installed[path].version === entry.version;
    });
  } catch {
    return false;
  }
}

/** PATH without this clone's node_modules/.bin: npm ci deletes the Node in there while it runs. */
function outerPath() {
  const inside = join(root, 'node_modules');
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(inside))
    .join(delimiter);
}

/** Runs a command; its output is shown, and every 10 s that it is still at it. */
function run(command, args, { what, env = process.env }) {
  const started = Date.now();
  const note = setInterval(() => console.log(`  still ${what} (${seconds(started)})`), 10_000);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    const done = (status, error) => {
      clearInterval(note);
      resolve({ status, error, took: seconds(started) });
    };
    child.once('error', (error) => done(1, error));
    child.once('exit', (code) => done(code ?? 1));
  });
}

async function install() {
  if (isInstalled()) return;
  await alone(async () => {
    if (isInstalled()) return;
    console.log('Installing packages (once per lockfile; about a minute)');
    rmSync(stampFile, { force: true });
    const args = ['ci', '--include=dev', '--include=optional', '--loglevel=error'];
    const { status, error, took } = await run('npm', args, { what: 'installing', env: { ...process.env, PATH: outerPath() } });
    if (error !== undefined) fail(`npm could not be started: ${error.message}`);
    if (status !== 0) fail('npm ci failed; see above. If it names packages missing from the lockfile: node tools/lockfile.mjs');
    writeFileSync(stampFile, `${wantedStamp()}\n`);
    console.log(`Packages installed in ${took}`);
  });
}

/** One set-up at a time in this clone; the lock of one that was killed is taken over. */
async function alone(work) {
  const lock = join(root, '.cache/setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited += 1) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isAlive(Number(readFileSync(lock, 'utf8')))) {
      rmSync(lock, { force: true });
      continue;
    }
    if (waited === 0) console.log('Waiting for another set-up of this clone');
    if (waited > 600) fail(`Another set-up holds ${lock} for ten minutes`);
    await delay(1_000);
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  await work();
  process.removeListener('exit', release);
  release();
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The Node that Fairlead runs on: the one among the packages, or the machine's own where there is none. */
function findNode() {
  const majorOf = (node) => Number(/^v(\d+)\./.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0);
  for (const node of existsSync(bundledNode) ? [bundledNode] : ['node', process.execPath]) {
    if (majorOf(node) >= neededNode) return node;
  }
  return fail(
    existsSync(bundledNode)
      ? `The Node ${neededNode} among the packages (${bundledNode}) does not run on this system (it needs Linux with glibc).\n` +
          `Install Node ${neededNode} or newer yourself and delete ${bundledNode}.`
      : `Fairlead runs on Node ${neededNode} or newer; this is ${process.version}. It comes with the packages on Linux (x64, arm64) only:\n` +
          'install it from your system or from the Node project and start again.',
  );
}

async function build(node) {
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-b'];
  const cold = !existsSync(join(root, 'libs/contracts/dist/.tsbuildinfo'));
  if (cold) console.log('Compiling (about half a minute the first time)');
  const { status, took } = await run(node, args, { what: 'compiling' });
  if (status !== 0) fail('The code does not compile; see above.');
  console.log(`${cold ? 'Compiled' : 'Compiled code is current'} (${took})`);
  const ui = await run(node, [join(root, 'apps/admin-ui/build.mjs')], { what: 'building the admin UI' });
  if (ui.status !== 0) fail('The admin UI does not build; see above.');
}

const options = process.argv.slice(2);
const unknown = options.find((option) => !['--build', '--help'].includes(option));
if (unknown !== undefined) fail(`Unknown option ${unknown}\n\n${usage}`);
if (options.includes('--help')) {
  console.log(usage);
  process.exit(0);
}
if (Number(process.versions.node.split('.')[0]) < 20) fail(`The set-up needs Node 20 or newer; this is ${process.version}.`);
await install();
const node = findNode();
if (options.includes('--build')) await build(node);
