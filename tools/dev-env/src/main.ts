/** What `npm start` runs: options → stack → ready line → signals. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseOptions, usage, type RunOptions } from './options.js';
import { root } from './paths.js';
import { startStack } from './stack.js';

const stopTimeoutMs = 120_000;
const started = performance.now();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function progress(line: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`[${seconds.padStart(6)} s] ${line}`);
}

/** Under npm: calls back when npm, or the shell between, is gone without having told us. */
function whenOrphaned(stop: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 500).unref();
}

/** Reports the first signal; a terminal and npm both pass a Ctrl-C on, so repeats are expected. */
function firstSignal(): { signal: AbortSignal; asked: Promise<void> } {
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => {
    const stop = () => {
      if (controller.signal.aborted) return;
      say('\nStopping: services first, then what they keep their data in');
      controller.abort(new Error('stopped before it was ready'));
      // Everything below is bounded; this is for what nobody thought of.
      setTimeout(() => process.exit(1), stopTimeoutMs).unref();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
    whenOrphaned(stop);
  });
  return { signal: controller.signal, asked };
}

async function run(options: RunOptions): Promise<number> {
  const { signal, asked } = firstSignal();
  progress(`Starting Fairlead; its data is kept in ${options.stateDir}`);
  try {
    const stack = await startStack({ ...options, metrics: options.metrics ? {} : undefined, log: progress, signal });
    if (!signal.aborted) announce(stack.url, options.stateDir, stack.simUrl);
    await asked;
    await stack.stop();
  } catch (error) {
    if (!signal.aborted) {
      process.stderr.write(`\nFairlead can't start: ${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }
  }
  say('Fairlead has stopped');
  return 0;
}

function announce(url: string, stateDir: string, simUrl: string): void {
  progress('All services are ready');
  say('');
  say(`Fairlead is ready: ${url}`);
  const login = join(stateDir, 'first-admin.json');
  if (existsSync(login)) say(`The first admin's login: ${login}`);
  if (simUrl !== '') say(`The simulated fleet's report: ${simUrl}/sim/report`);
  say(`Logs: ${join(stateDir, 'logs')}   Stop with Ctrl-C`);
}

/** A terminal that was closed takes no output; stopping goes on. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`Fairlead runs on Node 24 or newer, not ${process.version}; npm start finds the one among its packages.\n`);
  process.exit(1);
}
const parsed = parseOptions(process.argv.slice(2), { root, cwd: process.env['INIT_CWD'] ?? process.cwd() });
if (parsed.want === 'help') {
  say(usage);
} else if (parsed.want === 'error') {
  process.stderr.write(`${parsed.message}\n\n${usage}\n`);
  process.exitCode = 2;
} else {
  const settings = join(root, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  process.exit(await run(parsed.options));
}
