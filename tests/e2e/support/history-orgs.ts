import type { PeopleStage } from './history-identity.js';
import type { Operator } from './operator.js';

/** Orgs with projects, which change, have roles held on them, and keys, one with a custom role, and are deleted, and one of each that stays. */
export async function orgsHappen(ann: Operator, userId: string, keepSecret: PeopleStage['keepSecret']): Promise<void> {
  const orgs = '/platform/v1/orgs';
  for (const name of ['passing', 'acme']) {
    await ann.post(orgs, { name, display_name: `The org ${name}` });
    await ann.patch(`${orgs}/${name}`, { display_name: `${name} and sons` });
    const projects = `${orgs}/${name}/projects`;
    await ann.post(projects, { name: 'web', display_name: 'The web site' });
    await ann.patch(`${projects}/web`, { display_name: 'The shop' });
    const scopes = [`/orgs/${name}`, `/orgs/${name}/projects/web`];
    for (const scope of scopes) await ann.post('/admin/v1/role-bindings', { principal: `user:${userId}`, role: 'viewer', scope });
    const role = name === 'acme' ? 'on-call' : 'viewer';
    const { body: made } = await ann.post<{ key_id: string; key: string }>(`${projects}/web/keys`, { name: 'ci', role });
    const own = `${projects}/web/keys/${made.key_id}`;
    const { body: rotated } = await ann.post<{ key: string }>(`${own}/rotate`, {});
    keepSecret(made.key, rotated.key);
    if (name === 'acme') continue;
    await ann.delete(own, {});
    await ann.delete(`${projects}/web`, {});
    await ann.delete(`${orgs}/${name}`, {});
  }
}
