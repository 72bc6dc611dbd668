import { NotChecked } from '../broken.js';
import { expectAnswer, expectTrue, isCount, shown } from '../expect.js';
import type { Bench, Rule } from '../rule.js';
import { expectConfig } from './gateways.js';

/** D: definitions, which runners run. */
export const definitionRules: readonly Rule[] = [
  {
    id: 'D1',
    mandatory: false,
    of: 'runners',
    title: 'the versions that the document in force gives to each tenant',
    unseen: 'it takes documents that only a publisher may write',
  },
  { id: 'D2', mandatory: false, of: 'runners', title: 'GET /admin/state tells the configuration it goes by', check: configuration },
  { id: 'D3', mandatory: false, of: 'runners', title: 'GET /admin/definitions tells what it runs for whom', check: active },
];

async function configuration({ service }: Bench): Promise<void> {
  expectConfig(await service.get('/admin/state'));
}

async function active({ service, tenant }: Bench): Promise<void> {
  if ((await service.get('/admin/state')).body['config'] === undefined) throw new NotChecked('it goes by no configuration documents');
  for (const asked of ['/admin/definitions', `/admin/definitions?tenant=${tenant.id}`]) {
    const answer = expectAnswer(`GET ${asked}`, await service.get(asked), { status: 200 });
    const { revision, definitions } = answer.body;
    const isWhole =
      typeof definitions === 'object' &&
      definitions !== null &&
      !Array.isArray(definitions) &&
      Object.values(definitions).every((version) => isCount(version) && version > 0);
    expectTrue(isCount(revision) && isWhole, `revision, and definitions with a version each, for GET ${asked}`, shown(answer));
  }
}
