import type { Access } from './api.js';
import { CliError, exitCodes } from './exit.js';
import type { Credentials } from './http/client.js';
import { ApiError } from './http/problem.js';
import { readSession, writeSession, type Session } from './session.js';
import type { Terminal } from './terminal.js';

/** A token that this end so near is taken for ended: it would end on its way. */
const marginMs = 5_000;

/** A token that was given and can't be renewed. */
export function givenToken(token: string): Credentials {
  return { token: () => Promise.resolve(token), renewed: () => Promise.resolve(undefined) };
}

/**
 * The stored session: its access token is refreshed when it has ended or is refused, and kept for the next command. Of
 * several requests at once one refreshes. Throws an authentication error when the session has ended.
 */
export function sessionCredentials(
  { env, now }: Pick<Terminal, 'env' | 'now'>,
  stored: Session,
  refresh: (cookie: string) => Promise<Access>,
): Credentials {
  let session = stored;
  let refreshing: Promise<Session> | undefined;
  const hasEnded = ({ expires_at }: Session) => new Date(expires_at).getTime() <= now().getTime() + marginMs;
  const renew = async (): Promise<Session> => {
    // Another command may have refreshed it, or logged in again.
    const latest = readSession(env);
    if (latest !== undefined && latest.access_token !== session.access_token && isSameLogin(latest, stored) && !hasEnded(latest))
      return latest;
    const fresh = await refreshed(session, refresh, now);
    // Whoever logged out or in meanwhile meant it.
    if (readSession(env)?.session_cookie === session.session_cookie) writeSession(env, fresh);
    return fresh;
  };
  const current = async (): Promise<string> => {
    refreshing ??= renew().finally(() => {
      refreshing = undefined;
    });
    session = await refreshing;
    return session.access_token;
  };
  return {
    token: () => (hasEnded(session) ? current() : Promise.resolve(session.access_token)),
    renewed: (refused) => {
      if (refused !== session.access_token) return Promise.resolve(session.access_token);
      return session.session_cookie === undefined ? Promise.resolve(undefined) : current();
    },
  };
}

function isSameLogin(one: Session, other: Session): boolean {
  return one.email === other.email && new URL(one.url).origin === new URL(other.url).origin;
}

async function refreshed(session: Session, refresh: (cookie: string) => Promise<Access>, now: () => Date): Promise<Session> {
  const { url, email, session_cookie } = session;
  const ended = (cause?: unknown) =>
    new CliError(`the session has expired; run: fairlead login --url ${url} --email ${email}`, exitCodes.auth, { cause });
  if (session_cookie === undefined) throw ended();
  try {
    return { ...session, ...accessFields(await refresh(session_cookie), now()) };
  } catch (error) {
    throw error instanceof ApiError && error.status === 401 ? ended(error) : error;
  }
}

/** What the session file keeps of an access token. */
export function accessFields({ access_token, expires_in }: Access, now: Date): Pick<Session, 'access_token' | 'expires_at'> {
  return { access_token, expires_at: new Date(now.getTime() + expires_in * 1_000).toISOString() };
}
