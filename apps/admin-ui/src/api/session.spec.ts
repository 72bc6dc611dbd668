import { describe, expect, it } from '@jest/globals';
import { createClient } from './client.js';
import type { send } from './http.js';
import { ApiProblem } from './problem.js';
import { createSession, type Session } from './session.js';

const me = { user_id: 'usr_1', principal: 'user:usr_1', email: 'ann@example.org', roles: ['admin'], permissions: ['self'] };
const json = (body: unknown) => new Response(JSON.stringify(body));
const problem = (status: number, code = 'x') => new ApiProblem({ status, code, detail: code });

/** A gateway of a few routes, a clock that is moved by hand, and another tab. */
function world() {
  const asked: string[] = [];
  const timers = new Map<number, { callback: () => void; delayMs: number }>();
  let timerId = 0;
  let issued = 0;
  let tell: () => void = () => undefined;
  const gateway = {
    asked,
    /** What the routes answer; a function may throw. */
    me: () => json(me),
    refresh: (): Response | Promise<Response> => json({ access_token: `token-${++issued}`, expires_in: 300 }),
    logout: () => new Response(null, { status: 204 }),
    announced: 0,
    signOutElsewhere: () => {
      tell();
    },
    delays: () => [...timers.values()].map(({ delayMs }) => delayMs),
    fireTimer: () => {
      const [[id, timer] = []] = timers;
      if (id === undefined || timer === undefined) throw new Error('no timer is set');
      timers.delete(id);
      timer.callback();
    },
  };
  const transport: typeof send = (path) => {
    asked.push(path);
    return Promise.resolve().then(() => {
      if (path.endsWith('/me')) return gateway.me();
      if (path.endsWith('/login')) return json({ access_token: 'token-login', expires_in: 300 });
      return path.endsWith('/logout') ? gateway.logout() : gateway.refresh();
    });
  };
  const session: Session = createSession({
    send: transport,
    setTimer: (callback, delayMs) => {
      const id = ++timerId;
      timers.set(id, { callback, delayMs });
      return () => timers.delete(id);
    },
    leave: () => undefined,
    otherTabs: {
      announce: () => {
        gateway.announced += 1;
      },
      listen: (callback) => {
        tell = callback;
      },
    },
  });
  return { session, gateway, transport };
}

const phases = (session: Session) => {
  const seen: string[] = [];
  session.subscribe(() => seen.push(session.state().phase));
  return seen;
};
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a session', () => {
  it('is taken up by the cookie, and renewed a minute ahead of its end', async () => {
    const { session, gateway } = world();
    await session.start();
    expect(session.state()).toEqual({ phase: 'signed-in', user: me });
    const first = session.token();
    expect(gateway.delays()).toEqual([240_000]);
    gateway.fireTimer();
    await settle();
    expect(session.token()).not.toBe(first);
    expect(gateway.delays()).toEqual([240_000]);
  });

  it('is not there without a cookie, and unknown while the gateway can not be asked', async () => {
    const { session, gateway } = world();
    gateway.refresh = () => {
      throw problem(503);
    };
    await session.start();
    expect(session.state()).toMatchObject({ phase: 'unknown' });
    for (const none of [() => new Response(null, { status: 204 }), () => Promise.reject(problem(401))]) {
      gateway.refresh = none;
      await session.start();
      expect(session.state()).toEqual({ phase: 'signed-out', ended: false });
    }
  });

  it('asks once however many requests were refused, and hands on a token that is newer anyway', async () => {
    const { session, gateway } = world();
    await session.start();
    const refused = session.token() ?? '';
    gateway.asked.length = 0;
    const renewed = await Promise.all([session.renew(refused), session.renew(refused), session.renew(refused)]);
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(refused);
    expect(await session.renew(refused)).toBe(renewed[0]);
    expect(gateway.asked.filter((path) => path.endsWith('/refresh'))).toHaveLength(1);
  });

  it('outlasts a gateway that is away, and ends when it is refused', async () => {
    const { session, gateway } = world();
    await session.start();
    gateway.refresh = () => {
      throw problem(0, 'unreachable');
    };
    gateway.fireTimer();
    await settle();
    expect(session.state().phase).toBe('signed-in');
    expect(gateway.delays()).toEqual([5_000]);
    gateway.refresh = () => {
      throw problem(401, 'session_expired');
    };
    gateway.fireTimer();
    await settle();
    expect(session.state()).toEqual({ phase: 'signed-out', ended: true });
    expect(session.token()).toBeUndefined();
    expect(gateway.delays()).toEqual([]);
  });

  it('ends here and in other tabs at a sign-out, but not when the gateway was not told', async () => {
    const { session, gateway } = world();
    await session.signIn('ann@example.org', 'secret');
    expect(session.token()).toBe('token-login');
    gateway.logout = () => {
      throw problem(0, 'unreachable');
    };
    await expect(session.signOut()).rejects.toMatchObject({ code: 'unreachable' });
    expect([session.state().phase, gateway.announced]).toEqual(['signed-in', 0]);
    gateway.logout = () => new Response(null, { status: 204 });
    await session.signOut();
    expect([session.state(), session.token(), gateway.announced]).toEqual([{ phase: 'signed-out', ended: false }, undefined, 1]);
  });

  it('ends when another tab signs out, also with a renewal on its way', async () => {
    const { session, gateway } = world();
    await session.start();
    const seen = phases(session);
    const renewal = session.renew(session.token() ?? '');
    gateway.signOutElsewhere();
    expect(await renewal).toBeUndefined();
    expect(seen).toEqual(['signed-out']);
    expect(session.token()).toBeUndefined();
  });

  it('is not taken up when another tab signs out meanwhile', async () => {
    const { session, gateway } = world();
    const answer = Promise.withResolvers<Response>();
    gateway.refresh = () => answer.promise;
    const starting = session.start();
    gateway.signOutElsewhere();
    answer.resolve(json({ access_token: 'of-before', expires_in: 300 }));
    await starting;
    expect([session.state(), session.token(), gateway.delays()]).toEqual([{ phase: 'signed-out', ended: false }, undefined, []]);
  });

  it('stays over when a renewal is answered after the sign-out', async () => {
    const { session, gateway } = world();
    await session.start();
    const answer = Promise.withResolvers<Response>();
    gateway.refresh = () => answer.promise;
    const renewal = session.renew(session.token() ?? '');
    await session.signOut();
    answer.resolve(json({ access_token: 'of-before', expires_in: 300 }));
    expect(await renewal).toBeUndefined();
    expect([session.state(), session.token(), gateway.delays()]).toEqual([{ phase: 'signed-out', ended: false }, undefined, []]);
  });

  it('does not wait for, nor take, a renewal of the one before', async () => {
    const { session, gateway } = world();
    await session.start();
    const answer = Promise.withResolvers<Response>();
    const usual = gateway.refresh;
    gateway.refresh = () => answer.promise;
    const renewal = session.renew(session.token() ?? '');
    await session.signOut();
    await session.signIn('ann@example.org', 'secret');
    gateway.refresh = usual;
    expect(await session.renew('token-login')).toBe('token-2');
    answer.resolve(json({ access_token: 'of-before', expires_in: 300 }));
    expect([await renewal, session.token(), session.state().phase]).toEqual([undefined, 'token-2', 'signed-in']);
  });

  it("becomes another user's when that one signed in in another tab, but hands that token to no request of the first", async () => {
    const { session, gateway } = world();
    await session.start();
    const seen = phases(session);
    gateway.me = () => json({ ...me, user_id: 'usr_2', principal: 'user:usr_2' });
    expect(await session.renew(session.token() ?? '')).toBeUndefined();
    // Over for a moment: what the first user was shown is dropped then.
    expect(seen).toEqual(['signed-out', 'signed-in']);
    expect(session.state()).toMatchObject({ phase: 'signed-in', user: { user_id: 'usr_2' } });
    expect(session.token()).toBe('token-2');
  });

  it('is renewed once for all requests that were refused, and each is repeated', async () => {
    const { session, gateway, transport } = world();
    await session.start();
    gateway.asked.length = 0;
    const tokens: string[] = [];
    const client = createClient(session, (path, options = {}) => {
      const token = options.headers?.['authorization'] ?? '';
      tokens.push(token);
      return token === 'Bearer token-1' ? Promise.reject(problem(401)) : transport(path, options);
    });
    const answers = await Promise.all([client.call('auth.me', {}), client.call('auth.me', {}), client.call('auth.me', {})]);
    expect(answers).toEqual([me, me, me]);
    expect(gateway.asked.filter((path) => path.endsWith('/refresh'))).toHaveLength(1);
    expect(tokens).toEqual([...Array<string>(3).fill('Bearer token-1'), ...Array<string>(3).fill('Bearer token-2')]);
  });
});
