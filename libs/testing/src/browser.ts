/** The browser that tests drive: a Chrome or Chromium of this machine, or Debian's, installed when it is first needed. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What looking for a browser needs to know of a machine, and how it installs one. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isExecutable: (path: string) => boolean;
  /** Packages can be installed: Debian's apt-get is there, and we are root. */
  readonly canInstall: boolean;
  /** Installs a Debian package; throws when that fails. */
  readonly install: (name: string) => Promise<void>;
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const debianPackage = 'chromium';

/**
 * Finds the browser to use: `CHROME_PATH`, else one on the PATH, else Debian's package, which is installed.
 * @throws Error that names `CHROME_PATH` when there is none and none can be installed: tests never go without
 */
export async function findBrowser(machine: Machine = thisMachine()): Promise<string> {
  const given = machine.env['CHROME_PATH'] ?? '';
  if (given !== '') {
    if (machine.isExecutable(given)) return given;
    throw new Error(`CHROME_PATH names ${given}, which is no program that can be run`);
  }
  const installed = onPath(machine);
  if (installed !== undefined) return installed;
  if (machine.canInstall) {
    await machine.install(debianPackage);
    const fresh = onPath(machine);
    if (fresh !== undefined) return fresh;
  }
  throw new Error(
    `The browser tests need Chrome or Chromium, and there is none on the PATH (${names.join(', ')}). ` +
      'Install one, or set CHROME_PATH to it. Tests that run as root on Debian install it themselves.',
  );
}

function onPath({ env, isExecutable }: Machine): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => isExecutable(path));
}

/** The machine that this runs on; it tells on standard error how an installation goes. */
function thisMachine(): Machine {
  return {
    env: process.env,
    isExecutable: (path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    canInstall: process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'),
    install: async (name) => {
      process.stderr.write(`Installing Debian's package ${name} for the browser tests (about 105 MB, once)\n`);
      await aptGet('update');
      await aptGet('install', '--yes', '--no-install-recommends', name);
    },
  };
}

/** Waits for another apt-get to end; tells every 10 s that it is still at it. */
async function aptGet(...args: string[]): Promise<void> {
  const started = Date.now();
  const child = spawn('/usr/bin/apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000);
  });
  const note = setInterval(() => {
    process.stderr.write(`  still at apt-get ${args[0] ?? ''} (${String(Math.round((Date.now() - started) / 1000))} s)\n`);
  }, 10_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`apt-get ${args.join(' ')} failed: ${errors}`);
  } finally {
    clearInterval(note);
  }
}
