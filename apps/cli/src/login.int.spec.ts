import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { startStage, problem, type Answer, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];
let url: Stage['url'];
let dir: Stage['dir'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run, url, dir } = stage);
});

afterEach(() => stage.stop());

describe('login', () => {
  const loggedIn: Answer = {
    body: { access_token: 'token-2', token_type: 'Bearer', expires_in: 300 },
    headers: { 'set-cookie': 'fairlead_session=ses_1.secret; Path=/admin/v1/auth; HttpOnly' },
  };
  const login = ['login', '--email', 'admin@example.org', '--password-stdin'];

  it('stores a session that only its owner can read, and uses it', async () => {
    gateway.on('POST /admin/v1/auth/login', loggedIn);
    gateway.on('GET /admin/v1/auth/me', { body: { principal: 'user:usr_1', email: 'admin@example.org', roles: ['admin'] } });
    const { exitCode, out } = await run([...login, '--url', url], { anonymous: true, input: 'pass word\n' });
    expect([exitCode, out]).toEqual([exitCodes.ok, `logged in at ${url} as admin@example.org\n`]);
    expect(gateway.of('POST /admin/v1/auth/login')[0]?.body).toEqual({ email: 'admin@example.org', password: 'pass word' });
    const file = join(dir, 'session.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      url,
      access_token: 'token-2',
      expires_at: '2026-11-01T10:05:00.000Z',
      email: 'admin@example.org',
      session_cookie: 'fairlead_session=ses_1.secret',
    });

    expect((await run(['whoami'], { anonymous: true })).out).toBe(
      'principal  user:usr_1\ne-mail     admin@example.org\nroles      admin\n',
    );
    expect(gateway.of('GET /admin/v1/auth/me')[0]?.headers.authorization).toBe('Bearer token-2');
    expect(gateway.seen.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  it('stores nothing when the gateway gives no token that can be used', async () => {
    for (const body of [
      {},
      { access_token: '', expires_in: 300 },
      { access_token: 7, expires_in: 300 },
      { access_token: 't', expires_in: '5m' },
    ]) {
      gateway.on('POST /admin/v1/auth/login', { body });
      const { exitCode, out, err } = await run([...login, '--url', url], { anonymous: true, input: 'pass word\n' });
      expect([exitCode, out]).toEqual([exitCodes.failed, '']);
      expect(err).toMatch(/^error: .*access.token.*\n$/);
    }
    expect(readdirSync(dir)).toEqual([]);
  });

  it('asks for what is missing when somebody is there, else says which option to use', async () => {
    gateway.on('POST /admin/v1/auth/login', loggedIn);
    const asked = await run(['login', '--url', url], { anonymous: true, answers: ['a@b.org', 'hunter2'] });
    expect([asked.exitCode, asked.err]).toEqual([exitCodes.ok, 'E-mail: Password: ']);
    expect(gateway.seen[0]?.body).toEqual({ email: 'a@b.org', password: 'hunter2' });
    const alone = await run(['login', '--url', url, '--email', 'a@b.org'], { anonymous: true });
    expect([alone.exitCode, alone.err]).toEqual([exitCodes.usage, 'error: nobody can be asked here; use --password-stdin\n']);
  });

  it('tells a refused login, keeps no session, and ends with the auth code', async () => {
    gateway.on('POST /admin/v1/auth/login', problem(401, 'login_failed', 'The e-mail address or the password is not right'));
    const { exitCode, err } = await run([...login, '--url', url], { anonymous: true, input: 'wrong' });
    expect(exitCode).toBe(exitCodes.auth);
    expect(err).toBe('error: The e-mail address or the password is not right (login_failed, request req_42)\n');
    expect(err).not.toContain('wrong');
    expect((await run(['logout'], { anonymous: true })).out).toBe('nobody was logged in\n');
  });

  it("sends the session's token to no other gateway, nor one that has expired", async () => {
    gateway.on('POST /admin/v1/auth/login', { body: { access_token: 'token-2', token_type: 'Bearer', expires_in: 0 } });
    await run([...login, '--url', url], { anonymous: true, input: 'x' });
    const before = gateway.seen.length;
    const elsewhere = await run(['whoami', '--url', url.replace('127.0.0.1', 'localhost')], { anonymous: true });
    expect([elsewhere.exitCode, elsewhere.err]).toEqual([exitCodes.auth, expect.stringContaining('not at http://localhost')]);
    const expired = await run(['whoami'], { anonymous: true });
    expect([expired.exitCode, expired.err]).toEqual([exitCodes.auth, expect.stringContaining('expired')]);
    expect(gateway.seen.length).toBe(before);
  });

  it('changes the password, typed twice', async () => {
    gateway.on('POST /admin/v1/auth/password', { status: 204 });
    expect((await run(['password'], { answers: ['old', 'new', 'new'] })).exitCode).toBe(exitCodes.ok);
    expect((await run(['password', '--password-stdin'], { input: 'old\nnew\n' })).exitCode).toBe(exitCodes.ok);
    expect((await run(['password'], { answers: ['old', 'new', 'mew'] })).exitCode).toBe(exitCodes.usage);
    expect(gateway.seen.map(({ body }) => body)).toEqual([0, 1].map(() => ({ current_password: 'old', new_password: 'new' })));
  });
});

describe('a second factor', () => {
  const login = ['login', '--email', 'a@b.org', '--password-stdin'];
  const needsCode = problem(401, 'second_factor_required', 'The code of the second factor is needed');
  const loggedIn: Answer = { body: { access_token: 'token-2', token_type: 'Bearer', expires_in: 300 } };

  beforeEach(() => {
    gateway.on('POST /admin/v1/auth/login', ({ body }) => (body['code'] === undefined ? needsCode : loggedIn));
  });

  it('is asked for at a login when it is needed, and not when it was given', async () => {
    const asked = await run(['login', '--url', url, '--email', 'a@b.org'], { anonymous: true, answers: ['hunter2', '123 456'] });
    expect([asked.exitCode, asked.err]).toEqual([exitCodes.ok, 'Password: Code: ']);
    expect(gateway.seen.map(({ body }) => body['code'])).toEqual([undefined, '123 456']);
    const given = await run([...login, '--url', url, '--code', '654321'], { anonymous: true, input: 'hunter2' });
    expect([given.exitCode, given.err, gateway.seen.at(-1)?.body['code']]).toEqual([exitCodes.ok, '', '654321']);
  });

  it('that nobody can be asked for is told, with the option to use', async () => {
    const alone = await run([...login, '--url', url], { anonymous: true, input: 'hunter2' });
    expect([alone.exitCode, alone.err]).toEqual([exitCodes.usage, 'error: nobody can be asked here; use --code\n']);
  });

  it('is enabled, confirmed, given other recovery codes and disabled', async () => {
    gateway.on('POST /admin/v1/auth/totp', { status: 201, body: { secret: 'ABCD', otpauth_uri: 'otpauth://totp/x' } });
    gateway.on('POST /admin/v1/auth/totp/confirm', { body: { recovery_codes: ['AAAA-BBBB', 'CCCC-DDDD'] } });
    gateway.on('POST /admin/v1/auth/totp/recovery-codes', { body: { recovery_codes: ['EEEE-FFFF'] } });
    gateway.on('POST /admin/v1/auth/totp/disable', { status: 204 });
    const enabled = await run(['totp', 'enable'], { answers: ['hunter2'] });
    expect(enabled.out).toContain('secret  ABCD\nuri     otpauth://totp/x\n');
    const confirmed = await run(['totp', 'confirm'], { answers: ['123456'] });
    expect(confirmed.out).toContain('AAAA-BBBB\nCCCC-DDDD\n');
    const renewed = await run(['totp', 'recovery-codes', '--password-stdin', '--code', '123456', '-o', 'json'], { input: 'hunter2\n' });
    expect(JSON.parse(renewed.out)).toEqual({ recovery_codes: ['EEEE-FFFF'] });
    expect(await run(['totp', 'disable'], { answers: ['hunter2', '123456'] })).toMatchObject({ out: 'the second factor is disabled\n' });
    const both = { current_password: 'hunter2', code: '123456' };
    expect(gateway.seen.map(({ body }) => body)).toEqual([{ current_password: 'hunter2' }, { code: '123456' }, both, both]);
  });

  it('of another user is reset, with a reason', async () => {
    gateway.on('POST /admin/v1/users/usr_1/totp/reset', { body: { user_id: 'usr_1', totp: false } });
    expect((await run(['user', 'reset-totp', 'usr_1'])).exitCode).toBe(exitCodes.usage);
    const reset = await run(['user', 'reset-totp', 'usr_1', '--reason', 'lost phone']);
    expect([reset.exitCode, reset.out, gateway.seen.at(-1)?.body]).toEqual([
      exitCodes.ok,
      'the second factor of usr_1 is reset\n',
      { reason: 'lost phone' },
    ]);
  });
});
