// Real: Postgres, NATS, the service with its RPCs, tokens and permissions.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { definitionV1, newId, type Role } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger, newContext, runInContext } from '@fairlead/telemetry';
import { testDatabase, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { canonicalForm, sha256Of } from '../config/domain/canonical.js';
import { promoteRevision, revertChange, stageRevision } from '../config/change.js';
import { readEffective } from '../config/read.js';
import { keepContent } from '../config/store/writes.js';
import { configSchema, createService, migrations } from '../index.js';
import { registerTenant } from '../tenants/create-tenant.js';
import { putShard } from '../tenants/put-shard.js';

type Client = RpcClient<definitionV1.DefinitionServiceService>;
let database: TestDatabase;
let nats: TestMessaging;
let service: RunningService;
let admin: Client;
let viewer: Client;
let nobody: Client;
let count = 0;

beforeAll(async () => {
  [database, nats] = await Promise.all([testDatabase({ service: 'placement', migrations }), testMessaging()]);
  const own = await generateSigningKey('placement');
  const gatewayKey = await generateSigningKey('api-gateway');
  const config = loadConfig(configSchema, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0' },
    ...{ SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify({ keys: [own.publicJwk, gatewayKey.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: nats.url, NATS_TOKEN: nats.token, NATS_NAMESPACE: nats.namespace },
  });
  service = await createService(config, { logger: createLogger({ service: 'test', level: 'silent' }) });
  const signer = await createTokenSigner(gatewayKey);
  const clientOf = (roles: Role[]) => {
    const userId = newId('user');
    return createRpcClient(definitionV1.DefinitionServiceService, {
      address: service.grpcAddress ?? '',
      token: () => signer.signUser({ userId, email: 'ada@example.org', roles }, 60),
    });
  };
  [admin, viewer, nobody] = [clientOf(['admin']), clientOf(['viewer']), clientOf([])];
  for (const kind of ['aggregate', 'projection', 'runner'] as const)
    await asAda(() =>
      putShard(database.db, { kind, shardId: `${kind}-1`, endpoints: [{ endpointId: 'a', url: 'http://127.0.0.1:1' }], labels: {} }, 0),
    );
  await asAda(() => registerTenant({ tenantId: 'acme', name: 'Acme', requested: {} }, database.db.transaction));
}, 120_000);

afterAll(async () => {
  for (const client of [admin, viewer, nobody]) client.close();
  await service.stop();
  await Promise.all([database.drop(), nats.close()]);
});

const asAda = <T>(work: () => Promise<T>) => runInContext(newContext({ principal: 'user:usr_ada' }), work);
/** A name of its own for each test. */
const fresh = () => `mail-${String(++count)}`;
const effect = (name: string, seconds = 30, more: object = {}) =>
  JSON.stringify({
    ...{ name, kind: 'effect', triggers: ['order.paid'], steps: [{ id: 'mail', call: 'mail.send', timeout_seconds: seconds }] },
    ...more,
  });
const put = (text: string, idempotencyKey = '') => admin.putDefinition({ format: 'json', text, reason: 'a test', idempotencyKey });
const eventsOf = async (name: string) =>
  (await readLog(database.db, { after: 0, limit: 20, aggregateType: 'definition', aggregateId: name })).map(({ type, payload }) => [
    type,
    payload,
  ]);

describe('definitions', () => {
  it('are kept in versions from 1 on, each with its event; the same content again is the version there is', async () => {
    const name = fresh();
    const first = await put(effect(name));
    const { sha256 = '' } = first.version ?? {};
    expect(first).toMatchObject({ added: true, version: { name, kind: 'effect', version: 1, reason: 'a test', retiredAt: '' } });
    const head = await headPosition(database.db);
    const yaml = `name: ${name}\nkind: effect\ntriggers: [order.paid]\nsteps: [{id: mail, call: mail.send}]\n`;
    const again = await admin.putDefinition({ format: 'yaml', text: yaml, reason: 'once more', idempotencyKey: '' });
    expect(again).toEqual({ version: first.version, added: false, position: 0 });
    expect(await headPosition(database.db)).toBe(head);
    expect((await put(effect(name, 60))).version).toMatchObject({ version: 2 });
    expect((await put(effect(name))).version).toMatchObject({ version: 1 });
    expect((await eventsOf(name))[0]).toEqual(['definition_version_added', { name, kind: 'effect', version: 1, sha256 }]);
    expect(await eventsOf(name)).toHaveLength(2);
    const newest = await viewer.getDefinition({ name, version: 0 });
    expect([newest.version?.version, sha256Of(newest.content)]).toEqual([2, newest.version?.sha256]);
    expect(await viewer.getDefinitionContent({ sha256 })).toEqual(await viewer.getDefinition({ name, version: 1 }));
    expect((await viewer.diffDefinition({ name, fromVersion: 1, toVersion: 2 })).changes).toEqual([
      { op: 'changed', pointer: '/steps/0/timeout_seconds', before: '30', after: '60' },
    ]);
  });

  it('are numbered without gaps when many put at once, and by a key once', async () => {
    const name = fresh();
    await Promise.all(Array.from({ length: 8 }, (_, n) => put(effect(name, 10 + (n % 4)))));
    const { versions } = await viewer.listDefinitionVersions({ name, limit: 0, before: 0 });
    expect(versions.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
    const once = await put(effect(name, 99), 'key-1');
    expect(await put(effect(name, 99), 'key-1')).toEqual(once);
    await expect(put(effect(name, 98), 'key-1')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect(await viewer.listDefinitionVersions({ name, limit: 2, before: 4 })).toMatchObject({
      versions: [{ version: 3 }, { version: 2 }],
      more: true,
    });
  });

  it('are listed by name, kind and the beginning of a name, a page at a time', async () => {
    await put(effect('list-a'));
    await put(effect('list-b'));
    await put(effect('list-b', 60));
    const saga = { ...(JSON.parse(effect('list-c')) as object), kind: 'saga', steps: [{ id: 'a', call: 'a.b', side_effects: false }] };
    await put(JSON.stringify(saga));
    const list = async (more: object) => {
      const { definitions, more: rest } = await viewer.listDefinitions({ kind: '', namePrefix: 'list-', limit: 0, after: '', ...more });
      return [definitions.map(({ name, version }) => `${name} ${String(version)}`), rest];
    };
    expect(await list({})).toEqual([['list-a 1', 'list-b 2', 'list-c 1'], false]);
    expect(await list({ kind: 'saga' })).toEqual([['list-c 1'], false]);
    expect(await list({ limit: 1, after: 'list-a' })).toEqual([['list-b 2'], true]);
  });

  it('are refused with all that is wrong, and leave nothing', async () => {
    const name = fresh();
    const head = await headPosition(database.db);
    const wrong = effect(name, 30, { steps: [{ id: 'a', call: 'a.b', after: ['gone'] }], triggers: ['a.b', 'a.b'] });
    await expect(put(wrong)).rejects.toMatchObject({
      code: 'config_invalid',
      details: { errors: [expect.objectContaining({ pointer: '/triggers/1' }), expect.objectContaining({ pointer: '/steps/0/after/0' })] },
    });
    await expect(put('{')).rejects.toMatchObject({ code: 'config_decode' });
    expect(await headPosition(database.db)).toBe(head);
    await expect(viewer.getDefinition({ name, version: 0 })).rejects.toMatchObject({ code: 'definition_not_found' });
    await expect(viewer.listActivations({ name, limit: 0, after: '' })).rejects.toMatchObject({ code: 'definition_not_found' });
    expect(await viewer.validateDefinition({ format: 'json', text: wrong })).toMatchObject({ code: 'config_invalid', sha256: '' });
    expect(await viewer.validateDefinition({ format: 'json', text: effect(name) })).toMatchObject({ code: '', name, version: 0 });
    await put(effect(name));
    expect(await viewer.validateDefinition({ format: 'json', text: effect(name) })).toMatchObject({ code: '', version: 1 });
    const other = effect(name, 30, { kind: 'saga', steps: [{ id: 'a', call: 'a.b', side_effects: false }] });
    await expect(put(other)).rejects.toMatchObject({ code: 'config_invalid', details: { errors: [{ pointer: '/kind' }] } });
  });

  it('are not handed out when they are not what was written', async () => {
    const name = fresh();
    await put(effect(name));
    await database.db.query(`update definition_version set content = '{}' where name = $1`, [name]);
    await expect(viewer.getDefinition({ name, version: 1 })).rejects.toMatchObject({ code: 'config_source' });
  });

  it('are read and written by those who may', async () => {
    const text = effect(fresh());
    await expect(viewer.putDefinition({ format: 'json', text, reason: 'x', idempotencyKey: '' })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    const change = { name: 'x', version: 1, reason: 'x' };
    await expect(viewer.retireDefinition(change)).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(viewer.restoreDefinition(change)).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(nobody.validateDefinition({ format: 'json', text })).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('a version that is retired', () => {
  const identityOf = (name: string) => ({ domain: 'runner-activation', name, scope: 'platform' }) as const;
  /** Stages a document that gives this version to acme, as a job does. */
  async function activate(document: string, content: object, expectedRevision = 0) {
    const text = canonicalForm({ defaults: {}, tenants: {}, ...content });
    await database.db.transaction((tx) => keepContent(tx, sha256Of(text), text));
    const request = { identity: identityOf(document), sha256: sha256Of(text), expectedRevision, gateways: [], fence: 1, reason: 'a test' };
    return asAda(() => stageRevision(database.db, { ...request, idempotencyKey: `${document}:${sha256Of(text)}` }));
  }
  const promote = (document: string, revision: number) =>
    asAda(() =>
      promoteRevision(database.db, { identity: identityOf(document), revision, restored: undefined, fence: 1, reason: 'a test' }),
    );
  const retire = (name: string, version: number) => admin.retireDefinition({ name, version, reason: 'no good' });

  it('stays, is told as such, and may be restored; a repeat changes nothing', async () => {
    const name = fresh();
    await put(effect(name));
    const { version } = await retire(name, 1);
    expect(version).toMatchObject({ retiredReason: 'no good', retiredAt: expect.stringMatching(/^20/) as unknown });
    const head = await headPosition(database.db);
    expect(await retire(name, 1)).toEqual({ version, position: 0 });
    expect(await headPosition(database.db)).toBe(head);
    expect((await viewer.getDefinition({ name, version: 1 })).version).toEqual(version);
    const restored = await admin.restoreDefinition({ name, version: 1, reason: 'it was good' });
    expect(restored.version).toMatchObject({ retiredAt: '', retiredBy: '', retiredReason: '' });
    expect((await admin.restoreDefinition({ name, version: 1, reason: 'it was good' })).position).toBe(0);
    expect((await eventsOf(name)).map(([type]) => type)).toEqual([
      ...['definition_version_added', 'definition_version_retired', 'definition_version_restored'],
    ]);
    await expect(retire(name, 2)).rejects.toMatchObject({ code: 'definition_not_found' });
  });

  it('is nobody’s: one that is staged or in force is not retired, until another one is', async () => {
    const name = fresh();
    await put(effect(name));
    await put(effect(name, 60));
    const { revision } = await activate(name, { defaults: { [name]: null }, tenants: { acme: { [name]: 1 } } });
    const staged = { document: `runner-activation/platform/${name}`, staged: true };
    const list = () => viewer.listActivations({ name, limit: 0, after: '' });
    expect((await list()).activations).toMatchObject([
      { ...staged, tenantId: '', version: 0 },
      { ...staged, tenantId: 'acme', version: 1 },
    ]);
    await expect(retire(name, 1)).rejects.toMatchObject({ code: 'definition_in_use', details: { tenants: ['acme'], default: false } });
    await promote(name, revision);
    const { activations } = await list();
    expect(activations.map(({ staged: still }) => still)).toEqual([false, false]);
    const [first] = activations;
    expect(await viewer.listActivations({ name, limit: 1, after: first?.key ?? '' })).toEqual({
      activations: [activations[1]],
      more: false,
    });
    await expect(retire(name, 1)).rejects.toMatchObject({ code: 'definition_in_use' });
    await retire(name, 2);
    await admin.restoreDefinition({ name, version: 2, reason: 'needed' });
    await promote(name, (await activate(name, { defaults: { [name]: 2 } }, revision)).revision);
    await retire(name, 1);
    await expect(retire(name, 2)).rejects.toMatchObject({ code: 'definition_in_use', details: { tenants: [], default: true } });
  });

  it('is not staged by who judged it before, and the fence of the refusal counts', async () => {
    const name = fresh();
    await put(effect(name));
    await retire(name, 1);
    await expect(activate(name, { tenants: { acme: { [name]: 1 } } })).rejects.toMatchObject({
      code: 'config_invalid',
      details: { errors: [{ pointer: `/tenants/acme/${name}`, detail: `version 1 of ${name} is retired` }] },
    });
    expect((await readEffective(database.db, identityOf(name))).row.revision).toBe(0);
  });

  it('comes back with a change that is taken back, and then is in use', async () => {
    const name = fresh();
    await put(effect(name));
    await put(effect(name, 60));
    await promote(name, (await activate(name, { defaults: { [name]: 1 } })).revision);
    const second = { defaults: { [name]: 2 } };
    await promote(name, (await activate(name, second, 1)).revision);
    await retire(name, 1);
    const stagedBy = `${name}:${sha256Of(canonicalForm({ tenants: {}, ...second }))}`;
    await asAda(() => revertChange(database.db, { identity: identityOf(name), stagedBy, fence: 1, reason: 'worse' }));
    expect((await viewer.listActivations({ name, limit: 0, after: '' })).activations).toMatchObject([{ version: 1, staged: false }]);
  });

  it('of a retirement and an activation at once only one wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const name = fresh();
      await put(effect(name));
      const [retired, activated] = await Promise.allSettled([retire(name, 1), activate(name, { defaults: { [name]: 1 } })]);
      expect([retired.status, activated.status].sort()).toEqual(['fulfilled', 'rejected']);
    }
  });
});
