import { requestOf, type Call, type OperationId } from '@fairlead/api-client';
import { readJson, send } from './http.js';
import { ApiProblem, asProblem } from './problem.js';
import type { Me, TokenAnswer } from './types.js';

export type SessionState =
  | { readonly phase: 'starting' }
  /** `ended` tells that a session that was there is over without the user having asked for it. */
  | { readonly phase: 'signed-out'; readonly ended: boolean; readonly problem?: ApiProblem }
  /** It could not be found out whether there is a session. */
  | { readonly phase: 'unknown'; readonly problem: ApiProblem }
  | { readonly phase: 'signed-in'; readonly user: Me };

/** Who is signed in. The access token lives here, in memory alone; what lasts is a cookie that scripts can't read. */
export interface Session {
  readonly state: () => SessionState;
  /** Calls back at every change of state; the answer ends that. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Takes up the session that the cookie tells of, if there is one. */
  start(): Promise<void>;
  /** Throws ApiProblem, `login_failed` for a wrong e-mail address, password or code, `second_factor_required` when a code is needed. */
  signIn(email: string, password: string, code?: string): Promise<void>;
  /** Where people can sign in besides here. Throws ApiProblem. */
  issuers(): Promise<readonly { readonly id: string; readonly name: string }[]>;
  /** Goes to an issuer to sign in there; the page goes away. Throws ApiProblem when that can't be begun. */
  signInAt(issuer: string): Promise<void>;
  /** Takes up what an issuer sent the browser back with; a failure is told by the state. */
  comeBack(issuer: string, answer: URLSearchParams): Promise<void>;
  /** Ends the session at the gateway, here and in the browser's other tabs. Throws ApiProblem when the gateway can't be told: nothing has ended then. */
  signOut(): Promise<void>;
  /** The access token; undefined when nobody is signed in. */
  token(): string | undefined;
  /** A token of the same user's other than the one that was refused; undefined when the session is over. Throws ApiProblem when the gateway can't be asked. */
  renew(refused: string): Promise<string | undefined>;
}

/** What a session needs of its surroundings; tests give their own. */
export interface SessionDeps {
  send: typeof send;
  setTimer: (callback: () => void, delayMs: number) => () => void;
  /** Leaves the page for another site's. */
  leave: (url: string) => void;
  /** Tells the other tabs that the user has signed out; calls back when one of them tells it. */
  otherTabs: { announce(): void; listen(callback: () => void): void };
}

const retryMs = 5_000;

/** Makes the session of one page. */
export function createSession(deps: SessionDeps): Session {
  const listeners = new Set<() => void>();
  let state: SessionState = { phase: 'starting' };
  let token: string | undefined;
  let stopTimer: () => void = () => undefined;
  let renewal: Promise<string | undefined> | undefined;
  /** Counts sign-ins and sign-outs: what was asked before one of them means nothing after it. */
  let era = 0;

  const ask = <Id extends OperationId>(id: Id, call: Call<Id>, headers: Readonly<Record<string, string>> = {}) => {
    const { path, ...request } = requestOf(id, call);
    return deps.send(path, { ...request, headers });
  };
  const set = (next: SessionState) => {
    state = next;
    for (const listener of listeners) listener();
  };
  /** What is on its way is of before. */
  const begin = () => {
    era += 1;
    renewal = undefined;
  };
  const end = (ended: boolean) => {
    begin();
    token = undefined;
    stopTimer();
    set({ phase: 'signed-out', ended });
  };
  const arm = (delayMs: number) => {
    stopTimer();
    stopTimer = deps.setTimer(() => {
      refresh().catch(() => {
        if (token !== undefined) arm(retryMs);
      });
    }, delayMs);
  };
  const adopt = async (answer: TokenAnswer): Promise<void> => {
    const asked = era;
    const response = await ask('auth.me', {}, { authorization: `Bearer ${answer.access_token}` });
    const user = await readJson<Me>(response);
    if (asked !== era) return;
    // Another tab has signed in as somebody else: nothing of the first user's goes on.
    if (state.phase === 'signed-in' && state.user.user_id !== user.user_id) end(false);
    token = answer.access_token;
    // Ahead of the token's end by a minute, or by a fifth of a short life.
    arm(Math.max(answer.expires_in - 60, answer.expires_in * 0.8) * 1_000);
    set({ phase: 'signed-in', user });
  };

  /** Gets a new token by the cookie; one request however many ask at once. */
  const refresh = (): Promise<string | undefined> => {
    const asked = era;
    renewal ??= (async () => {
      try {
        const response = await ask('auth.refresh', {});
        if (response.status !== 204) {
          const answer = await readJson<TokenAnswer>(response);
          if (asked === era) await adopt(answer);
        } else if (asked === era) end(state.phase === 'signed-in');
      } catch (error) {
        if (asked !== era) return undefined;
        const { status } = asProblem(error);
        if (status < 400 || status >= 500 || status === 429) throw error;
        end(state.phase === 'signed-in');
      }
      return asked === era ? token : undefined;
    })().finally(() => {
      if (asked === era) renewal = undefined;
    });
    return renewal;
  };

  deps.otherTabs.listen(() => {
    if (state.phase !== 'signed-out') end(false);
  });

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: async () => {
      try {
        await refresh();
      } catch (error) {
        set({ phase: 'unknown', problem: asProblem(error) });
      }
    },
    signIn: async (email, password, code) => {
      const response = await ask('auth.login', { body: { email, password, ...(code === undefined ? {} : { code }) } });
      begin();
      await adopt(await readJson<TokenAnswer>(response));
    },
    issuers: async () => (await readJson<{ items: { id: string; name: string }[] }>(await ask('oidc.list', {}))).items,
    signInAt: async (issuer) => {
      const response = await ask('oidc.start', { path: { issuer } });
      deps.leave((await readJson<{ authorization_url: string }>(response)).authorization_url);
    },
    comeBack: async (issuer, answer) => {
      const given = ['code', 'state', 'iss', 'error'].flatMap((name) => (answer.has(name) ? [[name, answer.get(name) ?? '']] : []));
      try {
        const response = await ask('oidc.callback', { path: { issuer }, body: Object.fromEntries(given) as Record<string, string> });
        begin();
        await adopt(await readJson<TokenAnswer>(response));
      } catch (error) {
        end(false);
        set({ phase: 'signed-out', ended: false, problem: asProblem(error) });
      }
    },
    signOut: async () => {
      // First there: a cookie that is left would bring the session back at the next load.
      await ask('auth.logout', {});
      end(false);
      deps.otherTabs.announce();
    },
    token: () => token,
    renew: async (refused) => (token !== refused ? token : refresh()),
  };
}

const channelName = 'fairlead-session';

/** The surroundings that a browser gives. */
export function browserDeps(): SessionDeps {
  const channel = new BroadcastChannel(channelName);
  return {
    send,
    setTimer: (callback, delayMs) => {
      const timer = setTimeout(callback, delayMs);
      return () => {
        clearTimeout(timer);
      };
    },
    leave: (url) => {
      window.location.assign(url);
    },
    otherTabs: {
      announce: () => {
        channel.postMessage('signed-out');
      },
      listen: (callback) => {
        channel.onmessage = callback;
      },
    },
  };
}
