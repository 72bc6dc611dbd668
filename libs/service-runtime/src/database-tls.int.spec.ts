/** Postgres by TLS, on a real server: who is trusted, who is refused, and files that change under a pool. */
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { removePostgres, startPostgres, type RunningPostgres } from '@fairlead/local-servers';
import { adminClient, openDatabase, type Database } from '@fairlead/postgres';
import { createLogger } from '@fairlead/telemetry';
import { eventually, recordServer, testFolder } from '@fairlead/testing';
import { createAuthority, issueCertificate, type Authority } from '@fairlead/tls/authority';

jest.setTimeout(60_000);
let dir: string;
let server: RunningPostgres;
let ca: Authority;
let stranger: Authority;
const lines: string[] = [];
const logger = createLogger({ service: 'spec', level: 'warn', destination: { write: (line: string) => void lines.push(line) } });

const fileOf = (name: string) => join(dir, 'files', name);
const put = (name: string, text: string) => {
  writeFileSync(fileOf(name), text);
  return fileOf(name);
};
/** A statement of the superuser, in plain text: the server takes both until it is told otherwise. */
async function admin(statement: string): Promise<void> {
  const client = await adminClient({ adminUrl: server.adminUrl, adminPassword: server.adminPassword, database: 'postgres' });
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Gives the server a certificate of an authority, for some hosts, and waits until it shows it. */
async function showing(authority: Authority, hosts: readonly string[]): Promise<void> {
  const { cert, key } = await issueCertificate(authority, { peer: 'postgres', hosts });
  const { uid, gid } = statSync(server.dataDir);
  for (const [name, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    const file = join(server.dataDir, name);
    writeFileSync(file, text, { mode: 0o600 });
    chownSync(file, uid, gid);
  }
  await admin('alter system set ssl = on');
  await admin('select pg_reload_conf()');
  const trusting = put('shown.crt', authority.cert);
  await eventually(() => connects(hosts[0] ?? '', `sslmode=verify-full&sslrootcert=${trusting}`), { what: 'the new certificate' });
}

const urlOf = (host: string, query: string) => `postgres://postgres@${host}:${String(server.port)}/postgres?${query}`;
const open = (host: string, query: string): Promise<Database> =>
  openDatabase({
    ...{ url: urlOf(host, query), password: server.adminPassword, schema: 'public', poolSize: 2 },
    ...{ applicationName: 'spec', logger },
  });
/** What the server knows of the connection; throws when there is none. */
async function connects(host: string, query: string): Promise<unknown> {
  const db = await open(host, query);
  try {
    const [row] = await db.query('select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()');
    return row;
  } finally {
    await db.close();
  }
}
const verified = (file: string) => `sslmode=verify-full&sslrootcert=${fileOf(file)}`;

beforeAll(async () => {
  dir = testFolder('postgres-tls');
  mkdirSync(join(dir, 'files'));
  server = await startPostgres({ dir: join(dir, 'server'), fsync: false, log: () => undefined });
  recordServer({ pid: server.pid, signal: 'SIGQUIT' });
  [ca, stranger] = await Promise.all([createAuthority(), createAuthority({ name: 'Another CA' })]);
  put('ca.crt', ca.cert);
  put('stranger.crt', stranger.cert);
}, 120_000);

afterAll(async () => {
  await server.stop();
  await removePostgres({ dir: join(dir, 'server'), log: () => undefined });
});

describe('Postgres by TLS', () => {
  it('is refused while it offers none, where the URL wants it', async () => {
    await expect(open('127.0.0.1', verified('ca.crt'))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'There is no TLS with Postgres, as DATABASE_URL wants it',
      cause: { message: 'The server does not support SSL connections' },
    });
    expect(await connects('127.0.0.1', 'sslmode=disable')).toEqual({ ssl: false, client_dn: null });
  });

  it('is reached where its certificate is of the CA and for the host, and nowhere else', async () => {
    await showing(ca, ['127.0.0.1']);
    expect(await connects('127.0.0.1', verified('ca.crt'))).toEqual({ ssl: true, client_dn: null });
    await expect(open('127.0.0.1', verified('stranger.crt'))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'There is no TLS with Postgres, as DATABASE_URL wants it',
    });
    await expect(open('localhost', verified('ca.crt'))).rejects.toMatchObject({ cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    await expect(open('127.0.0.1', 'sslmode=verify-full')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('pipelines and admin connections use it too', async () => {
    const db = await open('127.0.0.1', verified('ca.crt'));
    const pipeline = db.pipeline();
    expect(await pipeline.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).toEqual([{ ssl: true }]);
    await db.close();
    const client = await adminClient({
      ...{ adminUrl: urlOf('127.0.0.1', verified('ca.crt')), adminPassword: server.adminPassword, database: 'postgres' },
    });
    const { rows } = await client.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    expect(rows).toEqual([{ ssl: true }]);
  });

  it('knows a client by its certificate, where one is given', async () => {
    const { cert, key } = await issueCertificate(ca, { peer: 'audit' });
    put('client.crt', cert);
    put('client.key', key);
    const { uid, gid } = statSync(server.dataDir);
    const trusted = join(server.dataDir, 'root.crt');
    writeFileSync(trusted, ca.cert);
    chownSync(trusted, uid, gid);
    await admin("alter system set ssl_ca_file = 'root.crt'");
    await admin('select pg_reload_conf()');
    const query = `${verified('ca.crt')}&sslcert=${fileOf('client.crt')}&sslkey=${fileOf('client.key')}`;
    await eventually(async () => JSON.stringify(await connects('127.0.0.1', query)).includes('CN=audit'), { what: 'the name' });
    put('other.key', (await issueCertificate(ca, { peer: 'audit' })).key);
    const wrong = `${verified('ca.crt')}&sslcert=${fileOf('client.crt')}&sslkey=${fileOf('other.key')}`;
    await expect(open('127.0.0.1', wrong)).rejects.toThrow(/sslcert .*client\.crt can't be used \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/);
  });

  it('takes another CA and another certificate without a restart, and says what is wrong with files that are of no use', async () => {
    const file = put('rotated.crt', ca.cert);
    const db = await open('127.0.0.1', verified('rotated.crt'));
    /** As after an outage: every statement makes a new connection. */
    const anew = async () => {
      await admin(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'spec'`);
      return db.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    };
    const works = (what: string) => eventually(async () => (await anew()).length === 1, { what });
    writeFileSync(file, `${ca.cert}${stranger.cert}`);
    await showing(stranger, ['127.0.0.1']);
    await works('both CAs');
    writeFileSync(file, stranger.cert);
    await works('the new CA alone');
    writeFileSync(file, 'half a certif');
    await eventually(
      async () => {
        await anew();
        return lines.join('').includes('the TLS files for Postgres are of no use');
      },
      { what: 'the broken file to be noticed' },
    );
    await works('the last good CA');
    writeFileSync(file, ca.cert);
    await eventually(
      async () => {
        const outcome: unknown = await anew().catch((error: unknown) => error);
        // Not that a connection was cut.
        const { code, cause } = outcome as { code?: string; cause?: { code?: string } };
        return code === 'unavailable' && cause?.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
      },
      { what: 'a server of a CA that is not trusted any more to be refused' },
    );
    await db.close();
  });
});

describe('what a URL asks for', () => {
  it.each([
    ['sslmode=require', 'sslmode has to be verify-full or disable'],
    ['sslmode=verify-ca', 'sslmode has to be verify-full or disable'],
    ['sslmode=prefer', 'sslmode has to be verify-full or disable'],
    ['sslrootcert=/ca.crt', 'sslrootcert is of no use without sslmode=verify-full'],
    ['sslmode=verify-full&sslcert=/c.crt', 'sslcert and sslkey belong together'],
    ['sslmode=verify-full&sslnegotiation=direct', 'sslnegotiation is not known'],
    ['sslmode=verify-full&sslrootcert=/nowhere/ca.crt', "sslrootcert /nowhere/ca.crt can't be used (ENOENT)"],
  ])('%s is refused', async (query, problem) => {
    await expect(open('127.0.0.1', query)).rejects.toThrow(`the database's URL: ${problem}`);
  });

  it('a file that holds no certificate is refused', async () => {
    put('nothing.crt', 'nothing');
    await expect(open('127.0.0.1', verified('nothing.crt'))).rejects.toThrow(
      /sslrootcert .*nothing\.crt can't be used \(ERR_OSSL_PEM_NO_START_LINE\)/,
    );
  });
});
