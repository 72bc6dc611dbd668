// npm run bench: measures us beside others, in one run. A bench is tools/bench/src/<name>.bench.ts. Uses nothing but Node.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'tools/bench/src');
const ending = '.bench.ts';

const usage = `npm run bench                                       lists the benches
npm run bench -- <name> [<part> …] [--json] [--quick]
  <part>    nothing but these parts of the bench; the output names the parts
  --json    the last line is one object: {bench, rows: [{metric, ours, peer, peer_name, unit, ratio, goal, met}]}
  --quick   one short round: shows that it works, its figures mean little`;

/** The benches' names and what each measures, by the first sentence of its file. */
function benches() {
  const names = readdirSync(folder).filter((file) => file.endsWith(ending));
  return names.sort().map((file) => {
    const comment = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';
    const text = comment.replace(/\s*\n?\s*\*\s+/g, ' ').trim();
    return { name: file.slice(0, -ending.length), what: text.split(/(?<=\.)\s/)[0] ?? '' };
  });
}

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || name === '--help') {
  console.log(
    name === '--help'
      ? usage
      : benches()
          .map((bench) => `${bench.name.padEnd(20)} ${bench.what}`)
          .join('\n'),
  );
  process.exit(0);
}
if (!existsSync(join(folder, `${name}${ending}`))) {
  const known = benches().map((bench) => bench.name);
  console.error(`There is no bench ${name}. There are: ${known.join(', ')}\n\n${usage}`);
  process.exit(2);
}

/** What the build says goes to stderr, so that stdout is the bench's alone. */
const node = (stdio, ...args) => spawnSync(process.execPath, args, { cwd: root, stdio }).status ?? 1;
if (node(['inherit', 2, 'inherit'], 'tools/setup.mjs', '--build') !== 0) process.exit(1);
const installed = join(root, 'node_modules/.bin/node');
const bench = join(root, `tools/bench/dist/${name}.bench.js`);
process.exit(
  spawnSync(existsSync(installed) ? installed : process.execPath, [bench, ...rest], { cwd: root, stdio: 'inherit' }).status ?? 1,
);
