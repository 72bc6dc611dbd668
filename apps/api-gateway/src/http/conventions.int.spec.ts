// Real: Postgres, NATS, the gateway with every route it has. Made from the API's document, so that a new route is held to its conventions too.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiDocument } from '../openapi/index.js';
import { startHttpStage, type HttpStage } from '../testing/http-stage.js';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
}

const operations = Object.entries(apiDocument().paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    id: String(operation['operationId']),
    method: method.toUpperCase(),
    path,
    creates: Object.hasOwn(operation['responses'] as object, '201'),
    header: (name: string) => ((operation['parameters'] ?? []) as Parameter[]).find((one) => one.in === 'header' && one.name === name),
  })),
);
const namesOf = (found: readonly { id: string }[]) => found.map(({ id }) => id).sort();

/** POSTs without an idempotency key, and why a repeat does no harm. */
const keyless: Readonly<Record<string, string>> = {
  'auditSegments.seal': 'asking twice is as once',
  'auditVerify.verify': 'looks only',
  'auth.login': 'signs in with the password each time',
  'auth.logout': 'a repeat finds the session ended',
  'auth.password': 'a repeat is refused: its password is no longer the present one',
  'auth.refresh': 'an access token more for the same session',
  'configValidate.validate': 'looks only',
  'deadLetters.discard': 'a repeat finds it settled',
  'deadLetters.replay': 'a repeat finds it settled',
  'definitions.restore': 'a repeat finds it restored',
  'definitions.retire': 'a repeat finds it retired',
  'definitions.validate': 'looks only',
  'jobs.cancel': 'asking twice is as once',
  'jobs.pause': 'asking twice is as once',
  'jobs.retry': 'a repeat finds the job running',
  'jobs.signal': 'a job takes each signal once',
  'jobs.unpause': 'asking twice is as once',
  'logVerify.verify': 'looks only',
  'oidc.callback': 'a repeat is refused: its code is used up',
  'oidc.start': 'begins another sign-in, which changes nothing',
  'plans.approve': 'a repeat finds it approved',
  'projections.cancelRebuild': 'a repeat finds none',
  'projections.pause': 'asking twice is as once',
  'projections.rebuild': 'a repeat finds it going on',
  'projections.resume': 'asking twice is as once',
  'projections.skip': 'names the one event that it is about',
  'schedules.pause': 'asking twice is as once',
  'schedules.resume': 'asking twice is as once',
  'signingKeys.rotate': 'a repeat is refused: the next key has to be known for a while first',
  'totp.confirm': 'a repeat is refused: its code is used up',
  'totp.disable': 'a repeat is refused: its code is used up',
  'totp.enrol': 'replaces the secret, which nobody has confirmed yet',
  'totp.recoveryCodes': 'a repeat is refused: its code is used up',
  'users.resetTotp': 'a repeat finds nothing to take away',
};

/** Changes of what is there without a precondition, and why nobody's change is lost. */
const unconditional: Readonly<Record<string, string>> = {
  'apiTokens.revoke': 'ends it for good, whatever it was',
  'projectKeys.revoke': 'ends it for good, whatever it was',
  'placement.putTenant': 'makes it too; the precondition is heeded when it is there',
  'roleBindings.delete': 'ends it for good, whatever it was',
  'schedules.delete': 'ends it for good, whatever it was',
  'sessions.revoke': 'ends it for good, whatever it was',
  'shards.put': 'makes it too; the precondition is heeded when it is there',
};

let stage: HttpStage;

beforeAll(async () => {
  stage = await startHttpStage();
}, 120_000);

afterAll(() => stage.stop());

const posts = operations.filter(({ method }) => method === 'POST');
const keyed = posts.filter(({ header }) => header('Idempotency-Key') !== undefined);
const changing = operations.filter(({ method }) => ['PUT', 'PATCH', 'DELETE'].includes(method));
const conditional = changing.filter(({ header }) => header('If-Match')?.required === true);

describe('idempotency keys', () => {
  it('are taken by every POST but a short list', () => {
    expect(namesOf(posts.filter((one) => !keyed.includes(one)))).toEqual(Object.keys(keyless).sort());
    expect(keyed.filter(({ header }) => header('Idempotency-Key')?.required !== true)).toEqual([]);
    expect(operations.filter(({ method, header }) => method !== 'POST' && header('Idempotency-Key') !== undefined)).toEqual([]);
  });

  it('are taken by every POST that creates something, but one that nobody has confirmed yet', () => {
    expect(posts.filter(({ creates }) => creates).length).toBeGreaterThan(10);
    expect(namesOf(posts.filter((one) => one.creates && !keyed.includes(one)))).toEqual(['totp.enrol']);
  });

  it.each(namesOf(keyed))('are asked for by %s, whatever else is wrong', async (id) => {
    const path = keyed.find((one) => one.id === id)?.path.replaceAll(/\{\w+\}/g, 'x') ?? '';
    for (const body of [undefined, {}, { no: 'such field' }]) {
      const answer = await stage.gateway.call('POST', path, { token: stage.admin, body, headers: { 'idempotency-key': '' } });
      expect(answer).toMatchObject({ status: 400, body: { code: 'idempotency_key_required' } });
    }
    expect(stage.gateway.peers.calls).toEqual([]);
  });
});

describe('preconditions', () => {
  it('are asked for by every change of what is there but a short list', () => {
    expect(namesOf(changing.filter((one) => !conditional.includes(one)))).toEqual(Object.keys(unconditional).sort());
  });

  it.each(namesOf(conditional))('are asked for by %s, whatever else is wrong', async (id) => {
    const { method = '', path = '' } = conditional.find((one) => one.id === id) ?? {};
    const send = (value: string) =>
      stage.gateway.call(method, path.replaceAll(/\{\w+\}/g, 'x'), { token: stage.admin, body: {}, headers: { 'if-match': value } });
    expect(await send('')).toMatchObject({ status: 428, body: { code: 'if_match_required' } });
    for (const value of ['7', '"0"', 'W/"7"', '"7", "8"', '"x"', '"9999999999999999"'])
      expect(await send(value)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/If-Match' }] } });
    expect(stage.gateway.peers.calls).toEqual([]);
  });
});
