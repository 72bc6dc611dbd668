// Real: Postgres with the event log, NATS, the gateway's HTTP server.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readLog } from '@fairlead/event-log';
import { startIdentityStage, type IdentityStage } from '../testing/identity.js';

let stage: IdentityStage;

beforeAll(async () => {
  stage = await startIdentityStage();
}, 120_000);

afterAll(() => stage.stop());

const typed = 'correct-horse-battery@staple.example';
const login = (email: string) => stage.gateway.call('POST', '/admin/v1/auth/login', { body: { email, password: 'wrong-password-1' } });
const refusals = async () =>
  (await readLog(stage.database.db, { after: 0, limit: 1_000 })).filter(({ type }) => type === 'sign_in_refused');

describe('a refused sign-in of somebody unknown', () => {
  it('is recorded without the name that was typed, and yet known again', async () => {
    for (const email of [typed, typed, 'another@staple.example']) expect((await login(email)).status).toBe(401);
    const events = await refusals();
    expect(events).toHaveLength(3);
    const [first, again, other] = events.map(({ payload }) => payload);
    expect(first).toEqual({ cause: 'unknown_user', address: '127.0.0.1', name_mark: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect([again?.['name_mark'], other?.['name_mark'] === first?.['name_mark']]).toEqual([first?.['name_mark'], false]);
    expect(events[0]).toMatchObject({ aggregateType: 'user', aggregateId: 'unknown', meta: { principal: 'anonymous' } });
    expect(await stage.told()).not.toContain('staple');
  });

  it('is another one than a wrong password of somebody who is known', async () => {
    const user = await stage.newUser('viewer');
    await login(user.email);
    expect(await stage.events(user, 'login_failed')).toMatchObject([{ payload: { email: user.email, cause: 'wrong_password' } }]);
  });
});
