import { describe, expect, it } from '@jest/globals';
import { controlPlaneServices } from '@fairlead/contracts';
import type { TlsFiles } from '@fairlead/tls';
import { certified, type Certified } from './certificates.js';
import { baseEnv, settingsOf, simSettings, withSettings, type StackSettings } from './services.js';

const record = <Key extends string>(keys: readonly Key[], valueOf: (key: Key) => string) =>
  Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<Key, string>;

const stack: StackSettings = {
  stateDir: '/state',
  env: {},
  port: 7400,
  ports: { 'placement.http': 1001, 'placement.grpc': 1002, 'audit.grpc': 1003, 'provisioner.grpc': 1004 },
  secrets: {
    databasePasswords: record(controlPlaneServices, (service) => `/state/secrets/${service}.database-password`),
    keys: record(controlPlaneServices, (service) => `/state/secrets/${service}.key.json`),
    bootstrapKey: '/state/secrets/bootstrap.key.json',
    trustJwks: '/state/secrets/trust.jwks.json',
    identityKey: '/state/secrets/identity-key',
    fleetToken: '/state/secrets/fleet-token',
    natsToken: '/state/secrets/nats-token',
    natsFleetToken: '/state/secrets/nats-fleet-token',
  },
  postgres: '127.0.0.1:5432',
  natsUrl: 'nats://127.0.0.1:4222',
  version: '1.2.3',
  gitSha: 'abc',
};

describe('settingsOf', () => {
  it('gives each service its own password, key and ports, and the others by address', () => {
    expect(settingsOf(stack, 'placement')).toMatchObject({
      HTTP_PORT: '1001',
      GRPC_PORT: '1002',
      DATABASE_PASSWORD_FILE: '/state/secrets/placement.database-password',
      SERVICE_KEY_FILE: '/state/secrets/placement.key.json',
      AUDIT_GRPC: '127.0.0.1:1003',
    });
    expect(settingsOf(stack, 'api-gateway')).toMatchObject({ HTTP_PORT: '7400', FIRST_ADMIN_FILE: '/state/first-admin.json' });
    expect(settingsOf(stack, 'audit')).toMatchObject({ AUDIT_ANCHOR_FILE: '/state/audit/anchors.jsonl' });
  });

  it('tells the fleet token to the provisioner and the fleet alone, and only by its file', () => {
    const knowing = controlPlaneServices.filter((service) => JSON.stringify(settingsOf(stack, service)).includes('fleet-token'));
    expect(knowing).toEqual(['provisioner']);
    expect(simSettings(stack)['FLEET_TOKEN_FILE']).toBe('/state/secrets/fleet-token');
  });

  it('tells the key of second factors to the gateway alone, and only by its file', () => {
    const knowing = controlPlaneServices.filter((service) => JSON.stringify(settingsOf(stack, service)).includes('identity-key'));
    expect(knowing).toEqual(['api-gateway']);
    expect(settingsOf(stack, 'api-gateway')['IDENTITY_KEY_FILE']).toBe('/state/secrets/identity-key');
  });

  it('tells the control plane its own user of NATS, and the fleet the one that may read placement', () => {
    for (const service of controlPlaneServices) {
      expect(settingsOf(stack, service)).toMatchObject({ NATS_USER: 'fairlead', NATS_TOKEN_FILE: '/state/secrets/nats-token' });
    }
    expect(simSettings(stack)).toMatchObject({ NATS_USER: 'fleet', NATS_TOKEN_FILE: '/state/secrets/nats-fleet-token' });
  });

  it('with certificates has each show its own to NATS, without any password, and read the key set by HTTPS', () => {
    const files = (name: string) => ({ cert: `/state/secrets/${name}.tls.crt`, key: `/state/secrets/${name}.tls.key`, ca: '/ca' });
    const certificates = Object.fromEntries(certified.map((name) => [name, files(name)])) as Record<Certified, TlsFiles>;
    const ports = { ...stack.ports, 'api-gateway.jwks': 1005 };
    const secured = { ...stack, certificates, ports, natsUrl: 'tls://127.0.0.1:4222' };
    const given = { NATS_URL: 'tls://127.0.0.1:4222', TLS_CERT_FILE: '/state/secrets/audit.tls.crt' };
    const settings = settingsOf(secured, 'audit');
    expect(settings).toMatchObject({ ...given, USER_JWKS_URL: 'https://127.0.0.1:1005/.well-known/jwks.json' });
    expect(settingsOf(secured, 'api-gateway')).toMatchObject({ JWKS_HTTPS_PORT: '1005' });
    expect(simSettings(secured)).toMatchObject({ TLS_KEY_FILE: '/state/secrets/fleet.tls.key' });
    for (const one of [settings, simSettings(secured)]) expect(Object.keys(one)).not.toContain('NATS_TOKEN_FILE');
  });

  it('leaves NATS to the environment when that names a server', () => {
    const settings = settingsOf({ ...stack, natsUrl: undefined }, 'audit');
    expect(Object.keys(settings).filter((name) => name.startsWith('NATS'))).toEqual([]);
  });
});

describe('baseEnv', () => {
  it('takes failpoints from the option alone, never from the shell', () => {
    const shell = { FAIRLEAD_FAILPOINTS: '/from/the/shell', LOG_LEVEL: 'warn', JOB_LEASE_MS: '900' };
    expect(baseEnv(shell, { env: { JOB_LEASE_MS: '2000' } })).toEqual({ LOG_LEVEL: 'warn', JOB_LEASE_MS: '2000' });
    expect(baseEnv(shell, { failpoints: '/asked/for' })).toMatchObject({ FAIRLEAD_FAILPOINTS: '/asked/for', LOG_LEVEL: 'warn' });
  });
});

describe('withSettings', () => {
  it('lets no value of the environment win over a file in the settings', () => {
    const env = withSettings(
      { DATABASE_PASSWORD: 'stale', HTTP_PORT: '1', JOB_LEASE_MS: '900' },
      { DATABASE_PASSWORD_FILE: '/file', HTTP_PORT: '2' },
    );
    expect(env).toEqual({ DATABASE_PASSWORD_FILE: '/file', HTTP_PORT: '2', JOB_LEASE_MS: '900' });
  });
});
