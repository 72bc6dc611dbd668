// Real: Postgres with the event log, NATS, the gateway's HTTP server.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { TestGateway } from '../testing/gateway.js';
import { startIdentityStage, type IdentityStage, type TestUser } from '../testing/identity.js';

const path = '/admin/v1/api-tokens';

let stage: IdentityStage;
let gateway: TestGateway;
let user: TestUser;
/** The user's access token. */
let session: string;
let id: string;
let first: string;

const rotate = (by: string, body: object = {}, tokenId = id) => gateway.call('POST', `${path}/${tokenId}/rotate`, { token: by, body });
const works = async (token: string) => (await gateway.call('GET', '/admin/v1/auth/me', { token })).status === 200;
const change = (sql: string) => stage.database.db.query(`update api_token set ${sql} where token_id = $1`, [id]);

/** Rotates, and answers the new token. */
async function rotated(body: object = {}): Promise<string> {
  const answer = await rotate(session, body);
  expect(answer.status).toBe(200);
  return String(answer.body['token']);
}

beforeAll(async () => {
  stage = await startIdentityStage();
  gateway = stage.gateway;
}, 120_000);

afterAll(() => stage.stop());

beforeEach(async () => {
  user = await stage.newUser('operator');
  session = (await stage.login(user)).token;
  const { body } = await gateway.call('POST', path, { token: session, body: { name: 'ci', roles: ['viewer'] } });
  [id, first] = [String(body['token_id']), String(body['token'])];
});

describe('a rotation', () => {
  it('answers a new secret for the same token once, and both work until the overlap ends', async () => {
    const { status, body, headers } = await rotate(session);
    const token = String(body['token']);
    expect([status, token.startsWith(`${id}_`), token === first]).toEqual([200, true, false]);
    expect(body).toMatchObject({ token_id: id, name: 'ci', roles: ['viewer'], rotated_at: expect.any(String) });
    const [rotatedAt, until] = [Date.parse(String(body['rotated_at'])), Date.parse(String(body['previous_until']))];
    expect(until - rotatedAt).toBe(24 * 3_600_000);
    expect(Number(headers.get('x-fairlead-position'))).toBeGreaterThan(0);
    expect([await works(first), await works(token)]).toEqual([true, true]);
    await change('previous_until = now()');
    expect([await works(first), await works(token)]).toEqual([false, true]);
    const { items } = (await gateway.call('GET', path, { token: session })).body as { items: Record<string, unknown>[] };
    expect(items).toMatchObject([{ token_id: id, rotated_at: body['rotated_at'] }]);
    expect(JSON.stringify(items)).not.toContain(token.slice(-43));
    const events = await stage.events(user, 'api_token_rotated');
    expect(events.map(({ payload, meta }) => [payload, meta.principal])).toEqual([
      [{ token_id: id, name: 'ci', previous_until: body['previous_until'] }, `user:${user.id}`],
    ]);
    const told = await stage.told();
    for (const secret of [first, token]) expect(told.includes(secret.slice(-43))).toBe(false);
  });

  it('without an overlap ends the old secret at once', async () => {
    const token = await rotated({ overlap_hours: 0 });
    expect([await works(first), await works(token)]).toEqual([false, true]);
    expect((await stage.events(user, 'api_token_rotated')).map(({ payload }) => payload)).toEqual([{ token_id: id, name: 'ci' }]);
  });

  it('keeps one secret before the present one, and a rotation without overlap ends all of them', async () => {
    const second = await rotated();
    const third = await rotated({ overlap_hours: 1 });
    expect([await works(first), await works(second), await works(third)]).toEqual([false, true, true]);
    const fourth = await rotated({ overlap_hours: 0 });
    expect([await works(second), await works(third), await works(fourth)]).toEqual([false, false, true]);
  });

  it('keeps the day on which the token ends, the overlap included', async () => {
    await change("expires_at = now() + interval '1 hour'");
    const { body } = await rotate(session, { overlap_hours: 168 });
    expect(body['previous_until']).toBe(body['expires_at']);
    await change('expires_at = now()');
    expect([await works(first), await works(String(body['token']))]).toEqual([false, false]);
  });

  it('of two at once leaves one new secret that works, and the one of the other as that before', async () => {
    const tokens = await Promise.all([rotated(), rotated()]);
    expect(await Promise.all(tokens.map(works))).toEqual([true, true]);
    expect(await works(first)).toBe(false);
  });

  it.each([{ overlap_hours: -1 }, { overlap_hours: 169 }, { overlap_hours: 1.5 }, { overlap_hours: '1' }])(
    'is refused for %j',
    async (body) => {
      expect(await rotate(session, body)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/overlap_hours' }] } });
      expect(await works(first)).toBe(true);
    },
  );

  it('is for its user alone, in a login session, while the token can be used', async () => {
    expect(await rotate(stage.admin)).toMatchObject({ status: 404 });
    expect(await rotate(first)).toMatchObject({ status: 403 });
    expect(await rotate(session, {}, `flt_${'0'.repeat(32)}`)).toMatchObject({ status: 404 });
    await gateway.call('DELETE', `${path}/${id}`, { token: session });
    expect(await rotate(session)).toMatchObject({ status: 404 });
    expect(await stage.events(user, 'api_token_rotated')).toEqual([]);
  });
});
