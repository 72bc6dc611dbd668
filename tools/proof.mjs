// npm run proof: the proofs in their full form. A proof is tests/proofs/<name>.e2e.spec.ts; npm test runs its short form.
// Writes commit, seed, figures and raw data to .fairlead/proofs/<name>-<time>.json. Uses nothing but Node.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'tests/proofs');
const ending = '.e2e.spec.ts';

const usage = `npm run proof                                        lists the proofs
npm run proof -- <name> [--seed N] [--minutes M] [--rows N]     runs one in its full form
  --seed      what its random choices are made from; the same seed makes the same choices
  --minutes   goes on with further rounds until so many minutes have passed; only for a proof that has rounds
  --rows      how large what it looks at is made; only for a proof that fills tables`;

const fileOf = (name) => join(folder, `${name}${ending}`);

/** A proof has rounds when it asks how long to go on. */
const hasRounds = (name) => readFileSync(fileOf(name), 'utf8').includes('atLeastMs');

/** The proofs' names and what each shows, by the first sentence of its file. */
function proofs() {
  const names = readdirSync(folder).filter((file) => file.endsWith(ending));
  return names.sort().map((file) => {
    const comment = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';
    const text = comment.replace(/\s*\n?\s*\*\s+/g, ' ').trim();
    return { name: file.slice(0, -ending.length), what: text.split(/(?<=\.)\s/)[0] ?? '' };
  });
}

function wrong(message) {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}

/** A whole number of at least `min`, or undefined when it is not given. */
function numberOf(name, text, min) {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) < min) wrong(`--${name}: a whole number from ${min} on is expected`);
  return Number(text);
}

function given() {
  try {
    const options = {
      seed: { type: 'string' },
      minutes: { type: 'string' },
      rows: { type: 'string' },
      help: { type: 'boolean', default: false },
    };
    const { values, positionals } = parseArgs({ args: process.argv.slice(2), options, allowPositionals: true });
    if (positionals.length > 1) wrong('One proof at a time');
    return {
      name: positionals[0],
      help: values.help,
      seed: numberOf('seed', values.seed, 0),
      minutes: numberOf('minutes', values.minutes, 1),
      rows: numberOf('rows', values.rows, 1),
    };
  } catch (error) {
    return wrong(error.message);
  }
}

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() ?? '';

const { name, help, seed = randomInt(1_000_000), minutes, rows } = given();
if (help || name === undefined) {
  console.log(
    help
      ? usage
      : proofs()
          .map((proof) => `${proof.name.padEnd(20)} ${proof.what}`)
          .join('\n'),
  );
  process.exit(0);
}
if (!existsSync(fileOf(name)))
  wrong(
    `There is no proof ${name}. There are: ${proofs()
      .map((proof) => proof.name)
      .join(', ')}`,
  );

if (minutes !== undefined && !hasRounds(name)) wrong(`${name} has no rounds to repeat: it takes no --minutes`);

const node = (...args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;
const startedAt = new Date();
const file = join(root, '.fairlead/proofs', `${name}-${startedAt.toISOString().replace(/[:.]/g, '-')}.json`);
if (rows !== undefined) process.env.FAIRLEAD_PROOF_ROWS = String(rows);
const env = { ...process.env, FAIRLEAD_PROOF: file, FAIRLEAD_PROOF_SEED: String(seed), FAIRLEAD_PROOF_MINUTES: String(minutes ?? 0) };
mkdirSync(dirname(file), { recursive: true });
if (node('tools/setup.mjs', '--build') !== 0) process.exit(1);

console.log(`\nProof ${name}, full form, seed ${seed}`);
const header = {
  proof: name,
  commit: git('rev-parse', 'HEAD'),
  changed: git('status', '--porcelain') !== '',
  seed,
  minutes: minutes ?? null,
};
const status = node('tools/jest.mjs', `tests/proofs/${name}\\.e2e`, '--selectProjects', 'e2e', '--runInBand', '--forceExit');
const machine = {
  cpus: availableParallelism(),
  memory_bytes: totalmem(),
  node: process.version,
  platform: `${process.platform}-${process.arch}`,
};
const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { figures: null, raw: null };
const times = { started_at: startedAt.toISOString(), finished_at: new Date().toISOString() };
writeFileSync(file, `${JSON.stringify({ ...header, ...times, machine, passed: status === 0, ...found }, null, 1)}\n`);
console.log(
  `\n${JSON.stringify(found.figures, null, 2)}\n${name}: ${status === 0 ? 'holds' : 'DOES NOT HOLD'}. Seed ${seed}, figures and raw data: ${relative(root, file)}`,
);
process.exit(status);
