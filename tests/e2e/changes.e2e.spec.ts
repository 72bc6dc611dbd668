/** The change stream of a whole stack, for a program of one tenant; and all that such a program is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as contracts from '@fairlead/contracts';
import { createTokenSigner, type PrivateJwk } from '@fairlead/auth';
import { startStack, type Stack } from '@fairlead/dev-env';
import { createRpcClient } from '@fairlead/rpc';
import { eventually, testFolder } from '@fairlead/testing';
import { readChanges } from './support/change-reader.js';
import { Operator } from './support/operator.js';

let stack: Stack;
let ann: Operator;
let tenant: string;
let other: string;

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: true, log: () => undefined });
  ann = await Operator.login(stack.url, stack.simUrl, stack.firstAdmin());
  const { body } = await ann.get<{ items: { tenant_id: string }[] }>('/admin/v1/tenants');
  [tenant = '', other = ''] = body.items.map(({ tenant_id }) => tenant_id);
}, 180_000);

afterAll(async () => {
  await stack.stop();
}, 60_000);

describe('a program of one tenant', () => {
  it('reads what happened to it, live and from the beginning, and nothing of anybody else', async () => {
    const made = await ann.post<{ token: string }>('/admin/v1/api-tokens', {
      name: 'tenant',
      roles: ['operator'],
      scope: { tenants: [tenant] },
    });
    expect(made.status).toBe(201);
    const reader = readChanges(stack.url, () => made.body.token, { cursor: '0' });
    try {
      const jobs = await Promise.all([tenant, other].map((one) => ann.elsewhere(one).then((to) => ann.migrateSoon(one, to))));
      const changes = () => reader.items.flatMap((item) => (item.kind === 'change' ? [item.change] : []));
      await eventually(() => changes().find(({ type, aggregate_id }) => type === 'job_succeeded' && aggregate_id === jobs[0]), {
        timeoutMs: 60_000,
        what: 'the end of its job',
      });
      const types = changes().map(({ aggregate_type, type }) => `${aggregate_type}.${type}`);
      for (const type of [
        'tenant.tenant_created',
        'plan.plan_created',
        'job.job_queued',
        'job.step_succeeded',
        'placement_map.tenant_moved',
      ])
        expect(types).toContain(type);
      expect([...new Set(changes().map(({ tenant_id }) => tenant_id))]).toEqual([tenant]);
      expect(JSON.stringify(changes())).not.toContain(`"${other}"`);
      const positions = changes().map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort((one, next) => one - next));
    } finally {
      reader.stop();
      expect(await reader.ended).toBeUndefined();
    }
  }, 90_000);

  it('is refused by every RPC of every service but the one that heeds scopes', async () => {
    const key = JSON.parse(readFileSync(join(stack.stateDir, 'secrets/api-gateway.key.json'), 'utf8')) as PrivateJwk;
    const signer = await createTokenSigner({ privateJwk: key });
    const token = await signer.signUser({ userId: 'usr_1', email: 'a@example.test', roles: ['admin'], scope: { tenants: [tenant] } }, 60);
    const ports = JSON.parse(readFileSync(join(stack.stateDir, 'ports.json'), 'utf8')) as Record<string, number>;
    const addresses: Record<string, string> = {
      'fairlead.audit': 'audit',
      'fairlead.changes': 'api-gateway',
      'fairlead.fleet': 'fleet-observer',
      'fairlead.jobs': 'job-orchestrator',
      'fairlead.placement': 'placement',
      'fairlead.provisioner': 'provisioner',
    };
    const definitions = Object.entries(contracts)
      .filter(([name]) => name.endsWith('V1'))
      .flatMap(([, module]) => Object.entries(module as object))
      .flatMap(([name, value]) => (name.endsWith('ServiceService') ? [value as typeof contracts.auditV1.AuditServiceService] : []));
    const answers: Record<string, string> = {};
    for (const definition of definitions) {
      const path = Object.values(definition)[0]?.path ?? '';
      const service = addresses[path.slice(1, path.indexOf('.v1'))] ?? '';
      const client = createRpcClient(definition, { address: `127.0.0.1:${String(ports[`${service}.grpc`])}`, token: () => token });
      for (const [name, method] of Object.entries(definition))
        answers[method.path.split('.v1.')[1] ?? ''] = await call(client as unknown as Record<string, Call>, name, method);
      client.close();
    }
    const { 'ChangeStreamService/Watch': heeding, ...rest } = answers;
    expect(heeding).toBe('answered');
    expect(Object.keys(rest).length).toBeGreaterThan(25);
    expect(Object.entries(rest).filter(([, answer]) => answer !== 'permission_denied')).toEqual([]);
  }, 60_000);
});

type Call = (request: unknown) => Promise<unknown> | AsyncGenerator;

/** The code that a call is refused with, or that it was answered. */
async function call(
  client: Record<string, Call>,
  name: string,
  method: { requestDeserialize: (bytes: Buffer) => unknown },
): Promise<string> {
  try {
    const answer = client[name]?.(method.requestDeserialize(Buffer.alloc(0)));
    if (answer !== undefined && 'next' in answer) {
      await answer.next();
      await answer.return(undefined);
    } else await answer;
    return 'answered';
  } catch (error) {
    return error instanceof contracts.FairleadError ? error.code : String(error);
  }
}
