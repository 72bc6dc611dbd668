import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { CliError, exitCodes } from './exit.js';

type Env = Readonly<Record<string, string | undefined>>;

/** What the gateway gives at a login to refresh the access token with. */
export const sessionCookiePattern = /^fairlead_session=[\w.-]+$/;

const sessionSchema = z.object({
  url: z.url({ protocol: /^https?$/ }),
  access_token: z.string().min(1),
  /** When the access token ends, RFC 3339. */
  expires_at: z.iso.datetime({ offset: true }),
  email: z.string(),
  /** Refreshes the access token; absent when the gateway gave none. */
  session_cookie: z.string().regex(sessionCookiePattern).optional(),
});

/** Who is logged in, where, until when. */
export type Session = z.output<typeof sessionSchema>;

/** Where a command talks to, and as whom: with a token it was given, or in a session. */
export type Target = { readonly url: string } & ({ readonly token: string } | { readonly session: Session });

/** The folder the session file stands in. */
export function configDir(env: Env): string {
  const given = env['FAIRLEAD_CONFIG_DIR'];
  return given !== undefined && given !== '' ? given : join(homedir(), '.config', 'fairlead');
}

/** The session file. */
export function sessionFile(env: Env): string {
  return join(configDir(env), 'session.json');
}

/** The stored session, or undefined when there is none that can be read. */
export function readSession(env: Env): Session | undefined {
  try {
    const parsed = sessionSchema.safeParse(JSON.parse(readFileSync(sessionFile(env), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Stores the session, readable for its owner alone; a crash leaves the old one or the new one. */
export function writeSession(env: Env, session: Session): void {
  const file = sessionFile(env);
  const fresh = `${file}.${process.pid}.new`;
  mkdirSync(configDir(env), { recursive: true, mode: 0o700 });
  rmSync(fresh, { force: true });
  writeFileSync(fresh, `${JSON.stringify(session, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(fresh, 0o600);
  renameSync(fresh, file);
}

/** Forgets the session. */
export function dropSession(env: Env): void {
  rmSync(sessionFile(env), { force: true });
}

/** Where `npm start` serves unless told otherwise. */
const defaultUrl = 'http://127.0.0.1:7400';

/** The gateway to talk to: `--url`, else FAIRLEAD_URL, else the session's, else this machine's. Throws a usage error when it is no URL. */
export function urlOf(option: string | undefined, env: Env): string {
  const fromEnv = env['FAIRLEAD_URL'];
  const url = option ?? (fromEnv === '' ? undefined : fromEnv) ?? readSession(env)?.url ?? defaultUrl;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliError(`not an http or https URL: ${url}`, exitCodes.usage);
  // A password in it would be printed with every error that names the URL.
  if (new URL(url).username !== '' || new URL(url).password !== '')
    throw new CliError('the URL of the gateway holds a user name or password, which are not used', exitCodes.usage);
  return url.replace(/\/+$/, '');
}

/**
 * Where to talk to and as whom: FAIRLEAD_TOKEN, else the session. The session goes to the gateway it came from and to no
 * other. Throws an authentication error when there is neither.
 */
export function targetOf(option: string | undefined, env: Env): Target {
  const url = urlOf(option, env);
  const token = env['FAIRLEAD_TOKEN'];
  if (token !== undefined && token !== '') {
    if (!/^[\w.~+/=-]+$/.test(token)) throw new CliError('FAIRLEAD_TOKEN is not an API token', exitCodes.auth);
    return { url, token };
  }
  const session = readSession(env);
  if (session === undefined) throw new CliError(`not logged in; run: fairlead login --url ${url} --email <email>`, exitCodes.auth);
  if (new URL(session.url).origin !== new URL(url).origin)
    throw new CliError(`logged in at ${session.url}, not at ${url}; run: fairlead login --url ${url}`, exitCodes.auth);
  return { url, session };
}
