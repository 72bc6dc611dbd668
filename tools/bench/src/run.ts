/** How every bench runs: its parts one after the other, servers of its own, and the result in two forms. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table, type Row } from './figures.js';

export interface BenchRun {
  /** A folder of this run alone, removed at its end. */
  readonly folder: string;
  /** One short round each. */
  readonly quick: boolean;
  /** Says what goes on, to people. */
  readonly log: (line: string) => void;
  /** Something to take down at the end, the latest first. */
  readonly defer: (end: () => Promise<void>) => void;
}

export interface Bench {
  readonly name: string;
  /** In their order; each answers its rows, or throws when the work that was measured is not what it should be. */
  readonly parts: Readonly<Record<string, (run: BenchRun) => Promise<Row[]>>>;
}

/** Runs a bench with the arguments of the command line, and sets the exit code: 0 also when a goal is missed. */
export async function runBench(bench: Bench): Promise<void> {
  const { json, quick, only } = given(bench);
  const folder = mkdtempSync(join(tmpdir(), `fairlead-bench-${bench.name}-`));
  const ends: (() => Promise<void>)[] = [];
  const log = (line: string) => {
    console.error(line);
  };
  const rows: Row[] = [];
  const run: BenchRun = { folder, quick, log, defer: (end) => void ends.push(end) };
  const takeDown = async () => {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void takeDown().finally(() => process.exit(1)));
  try {
    for (const [name, part] of Object.entries(bench.parts)) {
      if (only.length > 0 && !only.includes(name)) continue;
      log(`— ${name}`);
      const found = await part(run);
      log(`${table(found)}\n`);
      rows.push(...found);
    }
  } finally {
    await takeDown();
  }
  console.log(table(rows));
  if (json) console.log(JSON.stringify({ bench: bench.name, rows }));
}

function given(bench: Bench): { json: boolean; quick: boolean; only: string[] } {
  const options = {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
  } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const only = [...positionals, ...(values.only === undefined ? [] : [values.only])];
    for (const name of only)
      if (!(name in bench.parts)) throw new Error(`There is no part ${name}. There are: ${Object.keys(bench.parts).join(', ')}`);
    return { json: values.json, quick: values.quick, only };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}
