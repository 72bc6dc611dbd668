import { eventually } from '@fairlead/testing';
import { appCode } from './authenticator.js';
import type { Answer, Operator } from './operator.js';

/** Somebody who is logged in. */
export interface Held {
  readonly cookie: string;
  readonly token: string;
}

/** What a history lets people do with. */
export interface PeopleStage {
  readonly password: string;
  /** Makes a user; answers their id. */
  newUser(email: string): Promise<string>;
  login(email: string, code?: string): Promise<Held>;
  as(held: Held, path: string, body: Record<string, unknown>): Promise<Answer>;
  asAdmin(path: string, body: Record<string, unknown>): Promise<unknown>;
  /** What was handed out and no event may hold. */
  keepSecret(...secrets: string[]): void;
}

/** A second factor that is set up, asked for, answered wrongly and rightly, taken away by its user and by an admin. */
export async function secondFactorHappens(stage: PeopleStage): Promise<void> {
  const [email, totp] = ['dave@example.test', '/admin/v1/auth/totp'];
  const userId = await stage.newUser(email);
  const dave = await stage.login(email);
  const withPassword = (path: string, more: Record<string, unknown> = {}) =>
    stage.as(dave, `${totp}${path}`, { current_password: stage.password, ...more });
  const codesOf = ({ body }: Answer) => {
    const codes = body['recovery_codes'] as string[];
    stage.keepSecret(...codes);
    return codes;
  };
  const secret = String((await withPassword('')).body['secret']);
  stage.keepSecret(secret);
  const [first = '', second = ''] = codesOf(await stage.as(dave, `${totp}/confirm`, { code: appCode(secret) }));
  await stage.login(email, undefined);
  await stage.login(email, 'not-a-code');
  await stage.login(email, appCode(secret, 1));
  await stage.login(email, first);
  const [third = ''] = codesOf(await withPassword('/recovery-codes', { code: second }));
  await withPassword('/disable', { code: third });
  stage.keepSecret(String((await withPassword('')).body['secret']));
  await stage.asAdmin(`/admin/v1/users/${userId}/totp/reset`, { reason: 'lost the phone' });
}

/** A signing key that is rotated by command, once the one that is used next has been published long enough. */
export async function signingKeysHappen(
  post: (path: string, body: Record<string, unknown>) => Promise<Pick<Answer, 'status'>>,
): Promise<void> {
  const rotated = async () => (await post('/admin/v1/signing-keys/rotate', { reason: 'a drill' })).status === 200;
  const twice = { what: 'the signing keys are rotated', timeoutMs: 60_000, intervalMs: 500 };
  await eventually(rotated, twice);
  await eventually(rotated, twice);
}

/** A service account with a role and a token, disabled and deleted, and one that stays, whose token has a custom role. */
export async function serviceAccountsHappen(ann: Operator, keepSecret: PeopleStage['keepSecret']): Promise<void> {
  const path = '/admin/v1/service-accounts';
  for (const name of ['passing', 'nightly']) {
    const { body } = await ann.post<{ service_account_id: string; principal: string }>(path, { name });
    await ann.post('/admin/v1/role-bindings', { principal: body.principal, role: 'viewer', scope: '/tenants/tenant-01' });
    const own = `${path}/${body.service_account_id}`;
    const roles = name === 'nightly' ? ['viewer', 'on-call'] : ['viewer'];
    const { body: token } = await ann.post<{ token_id: string; token: string }>(`${own}/tokens`, { name: 'ci', roles });
    const { body: rotated } = await ann.post<{ token: string }>(`${own}/tokens/${token.token_id}/rotate`, {});
    keepSecret(token.token, rotated.token);
    if (name === 'nightly') continue;
    await ann.patch(own, { disabled: true });
    await ann.patch(own, { disabled: false });
    await ann.delete(own, {});
  }
}

/** A role on one tenant, given and taken away, and one that stays; custom roles, of which one stays too. */
export async function rolesHappen(ann: Operator, userId: string): Promise<void> {
  const role = { name: 'on-call', description: 'Looks after tenants at night.', permissions: ['tenant.read', 'job.read'] };
  await ann.post('/admin/v1/roles', role);
  await ann.patch(`/admin/v1/roles/${role.name}`, { permissions: [...role.permissions, 'job.retry'] });
  await ann.post('/admin/v1/roles', { ...role, name: 'passing' });
  await ann.delete('/admin/v1/roles/passing', {});
  const given = { principal: `user:${userId}`, role: 'viewer', scope: '/tenants/tenant-01' };
  const { body } = await ann.post<{ binding_id: string }>('/admin/v1/role-bindings', given);
  await ann.delete(`/admin/v1/role-bindings/${body.binding_id}`, {});
  await ann.post('/admin/v1/role-bindings', { ...given, scope: '/tenants/tenant-02' });
}
