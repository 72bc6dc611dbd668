/**
 * TLS with Postgres, asked for in the database's URL by the names that libpq has for it: `sslmode=verify-full`, `sslrootcert` (a PEM file
 * of the CAs that are trusted; without it those that Node trusts), and `sslcert` with `sslkey` for a server that wants to know its clients.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '@fairlead/config';
import { describeError } from '@fairlead/contracts';
import type { Logger } from '@fairlead/telemetry';

/** What a connection is made with besides the URL; its texts are read anew for each connection. False: plain text. */
export type DatabaseTls = false | { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly minVersion: 'TLSv1.2' };

interface Material {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const fileParameters = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const;
type Part = keyof typeof fileParameters;

/** What a connection needs is read by three questions, which have to be answered alike. */
const keptMs = 1_000;

/**
 * Takes what a database's URL says of TLS out of it. The files are read again for each new connection, once in a second at most, so that
 * they can be replaced at any time; files that are broken or do not fit together are left alone: the last good ones stay, and a log line
 * says why.
 * @returns the URL without it, and what connections are made with
 * @throws ConfigError when the URL asks for something that would not check who the server is, or the files are of no use
 */
export function databaseTarget(given: string, logger?: Logger): { url: string; ssl: DatabaseTls } {
  const url = new URL(given);
  const asked = new Map([...url.searchParams].filter(([name]) => name.startsWith('ssl')));
  for (const name of asked.keys()) url.searchParams.delete(name);
  const mode = asked.get('sslmode') ?? 'disable';
  const files = Object.entries(fileParameters).flatMap(([part, name]): [Part, string][] => {
    const file = asked.get(name);
    return file === undefined ? [] : [[part as Part, file]];
  });
  const known = ['sslmode', ...Object.values(fileParameters)];
  const problems = [...asked.keys()].filter((name) => !known.includes(name)).map((name) => `${name} is not known`);
  // Every other mode may end up in plain text, or with a server that nobody has looked at.
  if (mode !== 'verify-full' && mode !== 'disable') problems.push('sslmode has to be verify-full or disable');
  if (mode !== 'verify-full' && files.length > 0)
    problems.push(`${fileParameters[files[0]?.[0] ?? 'ca']} is of no use without sslmode=verify-full`);
  if (asked.has('sslcert') !== asked.has('sslkey')) problems.push('sslcert and sslkey belong together');
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `the database's URL: ${problem}`));
  return { url: url.href, ssl: mode === 'disable' ? false : freshly(new Map(files), logger) };
}

function freshly(files: ReadonlyMap<Part, string>, logger?: Logger): DatabaseTls {
  let material: Material;
  try {
    material = readMaterial(files);
  } catch (error) {
    throw new ConfigError([`the database's URL: ${describeError(error)}`]);
  }
  let readAt = performance.now();
  let problem: string | undefined;
  const current = () => {
    if (performance.now() - readAt < keptMs) return material;
    readAt = performance.now();
    try {
      material = readMaterial(files);
      problem = undefined;
    } catch (error) {
      const said = describeError(error);
      if (said !== problem) logger?.error({ error: said }, 'the TLS files for Postgres are of no use; the last good ones stay in use');
      problem = said;
    }
    return material;
  };
  return {
    get ca() {
      return current().ca;
    },
    get cert() {
      return current().cert;
    },
    get key() {
      return current().key;
    },
    minVersion: 'TLSv1.2',
  };
}

/** @throws Error that says which file is wrong, and tells nothing of the key */
function readMaterial(files: ReadonlyMap<Part, string>): Material {
  const material: Material = Object.fromEntries(
    [...files].map(([part, file]) => [part, attempt(part, file, () => readFileSync(file, 'utf8'))]),
  );
  const { ca, cert } = material;
  if (ca !== undefined) attempt('ca', files.get('ca'), () => new X509Certificate(ca));
  if (cert !== undefined) attempt('cert', files.get('cert'), () => createSecureContext(material));
  return material;
}

function attempt<T>(part: Part, file: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // OpenSSL's code alone: a message may quote what it read.
    throw new Error(`${fileParameters[part]} ${file ?? ''} can't be used (${(error as NodeJS.ErrnoException).code ?? 'error'})`, {
      cause: undefined,
    });
  }
}
