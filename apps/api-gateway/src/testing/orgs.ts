/** For specs: orgs and projects, and who holds roles on them. */
import type { Answer, TestGateway } from './gateway.js';
import type { IdentityStage, TestUser } from './identity.js';

const path = '/platform/v1/orgs';

/** Calls the operations on orgs and projects, as the first admin unless another token is given. */
export function orgCalls(stage: Pick<IdentityStage, 'admin'> & { readonly gateway: TestGateway }) {
  const { gateway, admin } = stage;
  let made = 0;
  const pathOf = (org: string, project?: string) => (project === undefined ? `${path}/${org}` : `${path}/${org}/projects/${project}`);
  const calls = {
    newName: (prefix = 'org') => `${prefix}-${String(++made)}`,
    list: (query = '', token = admin) => gateway.call('GET', `${path}?${query}`, { token }),
    listProjects: (org: string, query = '', token = admin) => gateway.call('GET', `${path}/${org}/projects?${query}`, { token }),
    create: (name: string, token = admin, headers: Record<string, string> = {}) =>
      gateway.call('POST', path, { token, body: { name, display_name: `The org ${name}` }, headers }),
    createProject: (org: string, name: string, token = admin, headers: Record<string, string> = {}) =>
      gateway.call('POST', `${path}/${org}/projects`, { token, body: { name, display_name: `The project ${name}` }, headers }),
    get: (org: string, project?: string, token = admin) => gateway.call('GET', pathOf(org, project), { token }),
    change: (org: string, project: string | undefined, displayName: string, token = admin, ifMatch = '*') =>
      gateway.call('PATCH', pathOf(org, project), { token, body: { display_name: displayName }, headers: { 'if-match': ifMatch } }),
    remove: (org: string, project?: string, token = admin, ifMatch = '*') =>
      gateway.call('DELETE', pathOf(org, project), { token, headers: { 'if-match': ifMatch } }),
    bind: (who: TestUser, role: string, scope: string, token = admin) =>
      gateway.call('POST', '/admin/v1/role-bindings', { token, body: { principal: `user:${who.id}`, role, scope } }),
    /** An org with projects of these names; answers its name. */
    newOrg: async (...projects: string[]): Promise<string> => {
      const name = calls.newName();
      expectCreated(await calls.create(name));
      for (const project of projects) expectCreated(await calls.createProject(name, project));
      return name;
    },
  };
  return calls;
}

/** The names of a page's items. */
export function namesOf({ body }: Answer): string[] {
  return (body['items'] as { name: string }[]).map(({ name }) => name);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function expectCreated({ status, body }: Answer): void {
  if (status !== 201) throw new Error(`it was answered with ${String(status)}: ${JSON.stringify(body)}`);
}

/** An answer with a key: its id and its secret, empty when it was refused. */
export interface KeyAnswer extends Answer {
  readonly id: string;
  readonly key: string;
}

/** Who asks, and with what headers; the first admin without it. */
export interface Asked {
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

/** Calls the operations on projects' keys. */
export function keyCalls({ gateway, admin }: Pick<IdentityStage, 'admin'> & { readonly gateway: TestGateway }) {
  const pathOf = (org: string, project: string) => `${path}/${org}/projects/${project}/keys`;
  const withKey = (answer: Answer): KeyAnswer => ({
    ...answer,
    id: textOf(answer.body['key_id']),
    key: textOf(answer.body['key']),
  });
  return {
    list: async (org: string, project: string, token = admin) =>
      (await gateway.call('GET', pathOf(org, project), { token })).body['items'] as Record<string, unknown>[],
    create: async (org: string, project: string, role: string, { token = admin, headers = {} }: Asked = {}) =>
      withKey(await gateway.call('POST', pathOf(org, project), { token, body: { name: 'ci', role }, headers })),
    rotate: async (org: string, project: string, id: string, overlapHours?: number, { token = admin, headers = {} }: Asked = {}) => {
      const body = overlapHours === undefined ? {} : { overlap_hours: overlapHours };
      return withKey(await gateway.call('POST', `${pathOf(org, project)}/${id}/rotate`, { token, body, headers }));
    },
    revoke: (org: string, project: string, id: string, token = admin) => gateway.call('DELETE', `${pathOf(org, project)}/${id}`, { token }),
  };
}
