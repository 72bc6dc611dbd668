import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Gauge } from 'prom-client';
import { describeError, type Peer } from '@fairlead/contracts';
import { ConfigError } from '@fairlead/config';
import type { Logger, Registry } from '@fairlead/telemetry';
import type { TlsFiles } from './config.js';
import { checkMaterial, type TlsMaterial } from './material.js';

/** The certificate, key and CA that new connections are made with. */
export interface TlsSource {
  current(): TlsMaterial;
  /** Calls a function each time there are new ones. Returns its removal. */
  onChange(run: () => void): () => void;
  close(): void;
}

/** A source that never changes. */
export function fixedTls(material: TlsMaterial): TlsSource {
  return { current: () => material, onChange: () => () => undefined, close: () => undefined };
}

/** The files are small, and are put in place by renames and links of many kinds, which no watch tells of everywhere: they are read again. */
const everyMs = 5_000;

/**
 * Reads the files, and again every few seconds. Files that are broken, half written or do not fit together are left alone: the last good
 * ones stay, a log line says why, and the metrics tell how long they are good for.
 * @throws ConfigError when they are of no use at the start
 */
export function watchTls(options: {
  files: TlsFiles;
  /** Whom the certificate has to speak for. */
  peer: Peer;
  logger: Logger;
  registry?: Registry;
  everyMs?: number;
}): TlsSource {
  const { files, peer, logger } = options;
  let material = readNow(files);
  let expiresAt = checkedAtStart(material, peer, files);
  let problem: string | undefined;
  const listeners = new Set<() => void>();
  measure(options.registry, { expiresAtMs: () => expiresAt.getTime(), stale: () => problem !== undefined });

  const look = async () => {
    try {
      const [cert, key, ca] = await Promise.all([files.cert, files.key, files.ca].map((file) => readFile(file, 'utf8')));
      const fresh = { cert: cert ?? '', key: key ?? '', ca: ca ?? '' };
      if (fresh.cert !== material.cert || fresh.key !== material.key || fresh.ca !== material.ca) {
        expiresAt = checkMaterial(fresh, peer).expiresAt;
        material = fresh;
        logger.info({ expires_at: expiresAt.toISOString() }, 'new TLS certificates are in use for new connections');
        for (const run of listeners) run();
      }
      problem = undefined;
    } catch (error) {
      const said = describeError(error);
      if (said !== problem) logger.error({ error: said, files }, 'the TLS files are of no use; the last good ones stay in use');
      problem = said;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const next = () => {
    if (closed) return;
    timer = setTimeout(() => void look().then(next), options.everyMs ?? everyMs);
    timer.unref();
  };
  next();
  return {
    current: () => material,
    onChange: (run) => {
      listeners.add(run);
      return () => {
        listeners.delete(run);
      };
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function readNow(files: TlsFiles): TlsMaterial {
  const problems: string[] = [];
  const read = (setting: string, file: string) => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      problems.push(`${setting}: the file can't be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
      return '';
    }
  };
  const material = {
    cert: read('TLS_CERT_FILE', files.cert),
    key: read('TLS_KEY_FILE', files.key),
    ca: read('TLS_CA_FILE', files.ca),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return material;
}

function checkedAtStart(material: TlsMaterial, peer: Peer, files: TlsFiles): Date {
  try {
    return checkMaterial(material, peer).expiresAt;
  } catch (error) {
    throw new ConfigError([`TLS_CERT_FILE ${files.cert}: ${describeError(error)}`]);
  }
}

const dayMs = 86_400_000;

function measure(registry: Registry | undefined, now: { expiresAtMs: () => number; stale: () => boolean }): void {
  if (registry === undefined) return;
  new Gauge({
    name: 'fairlead_tls_certificate_days_left',
    help: 'Days until the certificate that the service uses expires.',
    registers: [registry],
    collect() {
      this.set((now.expiresAtMs() - Date.now()) / dayMs);
    },
  });
  new Gauge({
    name: 'fairlead_tls_files_refused',
    help: '1 while the TLS files are of no use and earlier ones stay in use.',
    registers: [registry],
    collect() {
      this.set(now.stale() ? 1 : 0);
    },
  });
}
