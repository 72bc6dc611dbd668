/** What it takes to ask whether a principal may do something somewhere, of one with as many scopes as a token holds. */
import { granted, grantsOfRoles, may, maxScopePaths } from '@fairlead/auth';
import { tenantPath, type Permission } from '@fairlead/contracts';

export interface PermissionsOptions {
  questions: number;
}

export interface Asked {
  nsEach: number;
}

/** Of each eight questions so many are answered with yes. */
const [asked, allowed] = [8, 4];

/**
 * Prepares a principal with the role `viewer` on 50 parts of the platform, half of them tenants and half projects. The questions are about tenants and
 * projects, held and not, below a part that is held, and with a permission that the role does not give. Their paths are made
 * for each question, as for each request, and the making counts. Measuring throws when an answer is wrong.
 */
export function preparePermissions({ questions }: PermissionsOptions): Promise<() => Promise<Asked>> {
  const tenants = Array.from({ length: maxScopePaths / 2 }, (_, n) => `tenant-${String(n)}`);
  const projects = Array.from({ length: maxScopePaths / 2 }, (_, n) => `project-${String(n)}`);
  const viewer = grantsOfRoles(['viewer']);
  const paths = [...tenants.map(tenantPath), ...projects.map((project) => projectPath('acme', project))];
  const principal = granted(new Map(paths.map((path) => [path, viewer])));
  const ask = (n: number): number => {
    const at = n % tenants.length;
    const [tenant = '', project = ''] = [tenants[at], projects[at]];
    return (
      yes('tenant.read', tenantPath(tenant)) +
      yes('job.read', tenantPath(tenant)) +
      yes('tenant.write', tenantPath(tenant)) +
      yes('tenant.read', tenantPath(`other-${String(at)}`)) +
      yes('tenant.read', projectPath('acme', project)) +
      yes('tenant.read', `${projectPath('acme', project)}/apps/shop/environments/production`) +
      yes('tenant.read', projectPath('other', project)) +
      yes('identity.manage', '/')
    );
  };
  const yes = (permission: Permission, path: string) => (may(principal, permission, path) ? 1 : 0);
  const rounds = Math.ceil(questions / asked);
  const askAll = () => {
    let answers = 0;
    for (let n = 0; n < rounds; n += 1) answers += ask(n);
    if (answers !== rounds * allowed) throw new Error(`${String(answers)} of ${String(rounds * asked)} questions were answered with yes`);
  };
  askAll();
  return Promise.resolve(() => {
    const begin = process.hrtime.bigint();
    askAll();
    return Promise.resolve({ nsEach: Number(process.hrtime.bigint() - begin) / (rounds * asked) });
  });
}

const projectPath = (org: string, project: string) => `/orgs/${org}/projects/${project}`;
