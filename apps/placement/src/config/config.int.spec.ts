import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTokenSigner, generateSigningKey } from '@fairlead/auth';
import { loadConfig } from '@fairlead/config';
import { configKey, configV1, configValue, newId, type Role } from '@fairlead/contracts';
import { headPosition, readLog } from '@fairlead/event-log';
import { bucketStream, bucketSubject } from '@fairlead/placement-map';
import { createRpcClient, type RpcClient } from '@fairlead/rpc';
import type { RunningService } from '@fairlead/service-runtime';
import { createLogger } from '@fairlead/telemetry';
import { eventually, testDatabase, testFolder, testMessaging, type TestDatabase, type TestMessaging } from '@fairlead/testing';
import { configSchema, createService, migrations } from '../index.js';
import { promoteRevision, stageRevision } from './change.js';
import { sha256Of } from './domain/canonical.js';
import { keepContent } from './store/writes.js';

const identity = { domain: 'feature-flags', name: 'default', scope: 'platform' } as const;
const other = { domain: 'placement', name: 'default', scope: 'platform' } as const;
const files = testFolder('config-files');
const write = (domain: string, file: string, text: string) => {
  mkdirSync(join(files, domain), { recursive: true });
  writeFileSync(join(files, domain, file), text);
};

let database: TestDatabase;
let nats: TestMessaging;
let service: RunningService;
let viewer: RpcClient<configV1.ConfigServiceService>;
let nobody: RpcClient<configV1.ConfigServiceService>;

beforeAll(async () => {
  write('feature-flags', 'default.yaml', 'flags:\n  fast:\n    value: true\n');
  [database, nats] = await Promise.all([testDatabase({ service: 'placement', migrations }), testMessaging()]);
  const own = await generateSigningKey('placement');
  const gatewayKey = await generateSigningKey('api-gateway');
  const config = loadConfig(configSchema, {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0' },
    ...{ SERVICE_KEY: JSON.stringify(own.privateJwk), TRUST_JWKS: JSON.stringify({ keys: [own.publicJwk, gatewayKey.publicJwk] }) },
    ...{ DATABASE_URL: database.url, DATABASE_PASSWORD: database.password },
    ...{ NATS_URL: nats.url, NATS_TOKEN: nats.token, NATS_NAMESPACE: nats.namespace },
    ...{ CONFIG_FILES_DIR: files },
  });
  service = await createService(config, {
    logger: createLogger({ service: 'test', level: 'silent' }),
    publicationPollMs: 50,
    sweepMs: 500,
  });
  const signer = await createTokenSigner(gatewayKey);
  const clientOf = (roles: Role[]) =>
    createRpcClient(configV1.ConfigServiceService, {
      address: service.grpcAddress ?? '',
      token: () => signer.signUser({ userId: newId('user'), email: 'ada@example.org', roles }, 60),
    });
  viewer = clientOf(['viewer']);
  nobody = clientOf([]);
}, 120_000);

afterAll(async () => {
  viewer.close();
  nobody.close();
  await service.stop();
  await Promise.all([database.drop(), nats.close()]);
});

const revisionOf = async () => (await viewer.getConfig({ identity })).revision?.revision;
const comesTo = (revision: number) =>
  eventually(async () => (await revisionOf()) === revision, { what: `revision ${String(revision)}`, timeoutMs: 20_000 });
const validate = (text: string, format = 'json', of: configV1.ConfigIdentity = identity) =>
  viewer.validateConfig({ identity: of, format, text });

async function inKv(stage: 'effective' | 'candidate') {
  const bucket = nats.messaging.topology.buckets.config;
  const manager = await nats.messaging.manager();
  const stored = await manager.streams.getMessage(bucketStream(bucket), {
    last_by_subj: bucketSubject(bucket, configKey(stage, identity)),
  });
  return stored === null ? undefined : configValue.parse(stored.json());
}
const kvComesTo = (epoch: number, revision: number) =>
  eventually(
    async () => {
      const value = await inKv('effective').catch(() => undefined);
      return value?.epoch === epoch && value.revision === revision;
    },
    { what: `epoch ${String(epoch)}, revision ${String(revision)} in KV`, timeoutMs: 20_000 },
  );

describe('the configuration registry', () => {
  it('has the defaults of a domain in force where nothing was applied', async () => {
    const { revision, content, candidateRevision } = await viewer.getConfig({ identity: other });
    expect(revision).toMatchObject({ identity: other, revision: 0, source: 'default', state: 'effective', updatedAt: '' });
    expect(JSON.parse(content)).toMatchObject({ tolerance_percent: 5, pins: [] });
    expect(candidateRevision).toBe(0);
    expect(await viewer.listConfigHistory({ identity: other, limit: 0, before: 0 })).toEqual({ revisions: [], more: false });
  });

  it('puts the document of a file in force, with its event, and tells it to KV', async () => {
    await comesTo(1);
    const { revision, content } = await viewer.getConfig({ identity });
    expect(revision).toMatchObject({ revision: 1, source: 'dev_file', updatedBy: 'service:placement', state: 'effective' });
    expect(content).toBe('{"flags":{"fast":{"description":"","tenants":{},"value":true}}}');
    const events = await readLog(database.db, {
      after: 0,
      limit: 10,
      aggregateType: 'config',
      aggregateId: 'feature-flags/platform/default',
    });
    expect(events.map(({ type, payload }) => [type, payload])).toEqual([
      [
        'config_applied',
        { ...identity, revision: 1, sha256: revision?.sha256, previous_revision: 0, restored_revision: null, source: 'dev_file' },
      ],
    ]);
    await kvComesTo(1, 1);
    expect(await inKv('effective')).toEqual({ epoch: 1, revision: 1, sha256: revision?.sha256, content: JSON.parse(content) as unknown });
    expect(await inKv('candidate')).toMatchObject({ gateways: [] });
  });

  it('keeps every revision, its content by hash, and tells two apart', async () => {
    write('feature-flags', 'default.yaml', 'flags:\n  fast:\n    value: false\n');
    await comesTo(2);
    write('feature-flags', 'default.yaml', 'flags: {fast: {value: true}}');
    await comesTo(3);
    const { revisions } = await viewer.listConfigHistory({ identity, limit: 2, before: 0 });
    expect(revisions.map(({ revision, state }) => [revision, state])).toEqual([
      [3, 'effective'],
      [2, 'superseded'],
    ]);
    const [first, third] = [
      await viewer.getConfigRevision({ identity, revision: 1 }),
      await viewer.getConfigRevision({ identity, revision: 3 }),
    ];
    expect([first.content, first.revision?.sha256]).toEqual([third.content, third.revision?.sha256]);
    const [{ contents }] = (await database.db.query<{ contents: number }>('select count(*) as contents from config_content')) as [
      { contents: number },
    ];
    expect(contents).toBe(2);
    expect(await viewer.diffConfig({ identity, fromRevision: 1, toRevision: 2 })).toEqual({
      changes: [{ op: 'changed', pointer: '/flags/fast/value', before: 'true', after: 'false' }],
    });
    expect((await viewer.diffConfig({ identity, fromRevision: 0, toRevision: 1 })).changes).toMatchObject([
      { op: 'added', pointer: '/flags/fast', before: '' },
    ]);
    expect(await viewer.listConfig({ domain: '', limit: 0, after: undefined })).toMatchObject({
      documents: [{ identity, revision: 3 }],
      more: false,
    });
    await expect(viewer.getConfigRevision({ identity, revision: 9 })).rejects.toMatchObject({ code: 'config_not_found' });
  });

  it('keeps what is in force when a file can not be used', async () => {
    const head = await headPosition(database.db);
    write('feature-flags', 'default.yaml', 'flags: {fast: {value: [1]}}');
    write('placement', 'default.json', '{"pins": [{"tenants": ["nobody"], "kind": "runner", "on": {"shard": "gone"}}]}');
    write('routing', 'default.json', '{"routes"');
    // One that is right comes after them in the same folder's turn.
    write('placement', 'other.json', '{"tolerance_percent": 20}');
    const applied = { ...other, name: 'other' };
    await eventually(async () => (await viewer.getConfig({ identity: applied })).revision?.revision === 1, {
      what: 'the other file',
      timeoutMs: 20_000,
    });
    expect(await revisionOf()).toBe(3);
    expect(await headPosition(database.db)).toBe(head + 1);
  });

  it('tells all that is wrong with a document, of each sort by its code', async () => {
    expect(await validate('{"flags"')).toMatchObject({ code: 'config_decode', problems: [{ pointer: '' }], sha256: '' });
    const wrong = { flags: { Fast: { value: true }, slow: { value: true, more: 1, tenants: { acme: [] } } }, nonsense: 1 };
    const { code, problems } = await validate(JSON.stringify(wrong));
    expect(code).toBe('config_invalid');
    expect(problems.map(({ pointer }) => pointer).sort()).toEqual([
      ...['/flags/Fast', '/flags/slow/more', '/flags/slow/tenants/acme', '/nonsense'],
    ]);
    const references = await validate('flags: {fast: {value: 1, tenants: {nobody: 2}}}', 'yaml');
    expect(references).toMatchObject({ code: 'config_invalid', problems: [{ pointer: '/flags/fast/tenants/nobody' }] });
    const ofNobody = { ...identity, scope: 'tenants/nobody' };
    expect(await validate('{}', 'json', ofNobody)).toMatchObject({ code: 'config_invalid', problems: [{ pointer: '' }] });
    expect(await validate('{}', 'json', { ...other, scope: 'tenants/nobody' })).toMatchObject({ code: 'config_invalid' });
    expect(await validate('{}')).toMatchObject({ code: '', problems: [], content: '{"flags":{}}' });
  });

  it('reads revisions with a member that the domain has no more, and puts them in force again as they are; new texts may not have it', async () => {
    const { content: defaults } = await viewer.getConfig({ identity: other });
    const [of, content] = [{ ...other, name: 'old' }, `{"default_kinds":["runner"],${defaults.slice(1)}`];
    const sha256 = sha256Of(content);
    await database.db.transaction((tx) => keepContent(tx, sha256, content));
    const change = { identity: of, reason: 'a test', fence: 1 };
    await stageRevision(database.db, { ...change, sha256, expectedRevision: 0, gateways: [], idempotencyKey: 'old' });
    await promoteRevision(database.db, { ...change, revision: 1, restored: undefined });
    expect(await viewer.getConfigRevision({ identity: of, revision: 1 })).toMatchObject({ content, revision: { sha256 } });
    expect(await viewer.planConfig({ identity: of, sha256 })).toMatchObject({ revision: 1, problems: [] });
    expect(await validate(content, 'json', of)).toMatchObject({
      code: 'config_invalid',
      problems: [{ pointer: '/default_kinds', detail: 'is not known' }],
    });
  });

  it('does not hand out a content that is not what was written', async () => {
    await database.db.query(
      `update config_content set content = '{}' where sha256 = (select sha256 from config_revision where revision = 2)`,
    );
    await expect(viewer.getConfigRevision({ identity, revision: 2 })).rejects.toMatchObject({
      code: 'config_source',
      details: { errors: [{ pointer: '', detail: expect.stringContaining('revision 2') as unknown }] },
    });
  });

  it.each([
    ['a domain that there is not', { ...identity, domain: 'weather' }],
    ['a name that is none', { ...identity, name: 'a/b' }],
    ['a scope that is none', { ...identity, scope: '/tenants/acme' }],
  ])('refuses %s', async (_what, wrong) => {
    await expect(viewer.getConfig({ identity: wrong })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('is read with config.read alone', async () => {
    await expect(nobody.getConfig({ identity })).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(nobody.validateConfig({ identity, format: 'json', text: '{}' })).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('raises the epoch when KV knows more than a database that was restored, so that readers take what it says', async () => {
    await kvComesTo(1, 3);
    await database.db.query(
      `with earlier as (update config_changes set count = 1) update config_document set revision = 1 where domain = 'feature-flags'`,
    );
    await kvComesTo(2, 1);
    const events = await readLog(database.db, { after: 0, limit: 50, aggregateType: 'placement_map', aggregateId: '@all' });
    expect(events.map(({ type }) => type)).toContain('placement_epoch_raised');
  });

  it('has defaults in force again where the bucket tells of a document that a restored database does not have', async () => {
    const bucket = nats.messaging.topology.buckets.config;
    const document = { domain: 'routing', name: 'default', scope: 'platform' } as const;
    const told = { epoch: 2, revision: 1, sha256: '0'.repeat(64), content: { routes: [] } };
    await nats.messaging.jetstream().publish(bucketSubject(bucket, configKey('effective', document)), JSON.stringify(told));
    await eventually(
      async () => {
        const stored = await (
          await nats.messaging.manager()
        ).streams.getMessage(bucketStream(bucket), { last_by_subj: bucketSubject(bucket, configKey('effective', document)) });
        const value = configValue.parse(stored?.json());
        return value.epoch === 3 && value.revision === 0 && value.content['routes'] !== undefined && value.sha256 !== told.sha256;
      },
      { what: 'defaults in a higher epoch', timeoutMs: 20_000 },
    );
    await kvComesTo(3, 1);
  });

  it('writes a value again that somebody removed', async () => {
    const bucket = nats.messaging.topology.buckets.config;
    const subject = bucketSubject(bucket, configKey('effective', identity));
    const manager = await nats.messaging.manager();
    await manager.streams.purge(bucketStream(bucket), { filter: subject });
    await kvComesTo(3, 1);
  });

  it('fills a bucket again that was lost', async () => {
    const manager = await nats.messaging.manager();
    await manager.streams.delete(bucketStream(nats.messaging.topology.buckets.config));
    await kvComesTo(3, 1);
  });
});
