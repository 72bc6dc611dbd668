/** Documents from a folder, for development: `<domain>/<name>.json` or `.yaml`, taken when they change. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { configDomains, describeError, FairleadError, namePattern, platformScope, type ConfigIdentity } from '@fairlead/contracts';
import type { Database } from '@fairlead/postgres';
import { newContext, runInContext, type Logger } from '@fairlead/telemetry';
import { applyFile } from './apply-file.js';
import { sha256Of } from './domain/canonical.js';
import { maxTextBytes, type ConfigFormat } from './domain/decode.js';
import { configError } from './domain/problems.js';
import { validateText, type ValidateDeps } from './validate.js';

export interface ConfigFiles {
  stop(): Promise<void>;
}

interface Found {
  readonly path: string;
  readonly identity: ConfigIdentity;
  readonly format: ConfigFormat;
}

/**
 * Looks into a folder every `pollMs`, and puts in force what is new. A document that can't be used is logged, once for each reason, with its file, and tried
 * again: shards that it names may be registered later. What stands in force stays meanwhile.
 */
export function followConfigFiles(
  deps: ValidateDeps & { database: Database; logger: Logger; dir: string; committed: (position: number) => void; pollMs?: number },
): ConfigFiles {
  const { logger, dir, pollMs = 2_000 } = deps;
  const done = new Map<string, string>();
  const problems = new Map<string, string>();
  const stopped = new AbortController();

  async function take({ path, identity, format }: Found): Promise<void> {
    try {
      const text = await readSource(path);
      const hash = sha256Of(text);
      if (done.get(path) === hash) return;
      const valid = await validateText(deps, identity, text, format);
      const position = await runInContext(newContext({ principal: 'service:placement' }), () => applyFile(deps.database, identity, valid));
      done.set(path, hash);
      problems.delete(path);
      if (position === undefined) return;
      deps.committed(position);
      logger.info({ ...identity, file: path }, 'put the configuration of a file in force');
    } catch (error) {
      const text = error instanceof FairleadError ? `${error.code}: ${error.message}` : describeError(error);
      if (problems.get(path) === text) return;
      problems.set(path, text);
      logger.warn({ ...identity, file: path, error: text }, 'the configuration of a file is not used; what was in force stays');
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      for (const found of await filesOf(dir)) await take(found);
      await pause(pollMs, stopped.signal);
    }
  }
  const running = run();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

/** Reads a file; throws `config_source` when it can't be read, or is too large to be a document. */
export async function readSource(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > maxTextBytes) throw new Error(`it has more than ${String(maxTextBytes)} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw configError('config_source', [{ pointer: '', detail: `the file can't be read: ${describeError(error)}` }]);
  }
}

async function filesOf(dir: string): Promise<Found[]> {
  const lists = await Promise.all(
    configDomains.map(async (domain) => {
      const entries = await readdir(join(dir, domain)).catch(() => []);
      return entries.sort().flatMap((entry): Found[] => {
        const [, name = '', ending] = /^(.+)\.(json|ya?ml)$/.exec(entry) ?? [];
        if (ending === undefined || !namePattern.test(name)) return [];
        return [
          { path: join(dir, domain, entry), identity: { domain, name, scope: platformScope }, format: ending === 'json' ? 'json' : 'yaml' },
        ];
      });
    }),
  );
  return lists.flat();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
