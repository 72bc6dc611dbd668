import { z } from 'zod';
import { ConfigError, field } from '@fairlead/config';

/** Settings of whoever speaks TLS with the other services. All three or none: without them nothing is encrypted, as on one machine. */
export const tlsConfig = {
  /** PEM file with the service's own certificate, and those between it and the CA. */
  TLS_CERT_FILE: field.text().optional(),
  /** PEM file with its private key. */
  TLS_KEY_FILE: field.text().optional(),
  /** PEM file with the certificates of the CAs that others' certificates are signed by. */
  TLS_CA_FILE: field.text().optional(),
};

/** Where a process finds its certificate, its key and whom to trust. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** The files that the settings name; undefined without any. Throws ConfigError when only some are named. */
export function tlsFilesOf(config: z.output<z.ZodObject<typeof tlsConfig>>): TlsFiles | undefined {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CA_FILE: ca } = config;
  if (cert !== undefined && key !== undefined && ca !== undefined) return { cert, key, ca };
  const missing = Object.keys(tlsConfig).filter((name) => config[name as keyof typeof tlsConfig] === undefined);
  if (missing.length === Object.keys(tlsConfig).length) return undefined;
  throw new ConfigError(missing.map((name) => `${name} is missing: TLS needs a certificate, its key and a CA`));
}
