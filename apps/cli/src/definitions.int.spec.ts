import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;

beforeEach(async () => {
  stage = await startStage();
});

afterEach(() => stage.stop());

const base = '/admin/v1/definitions';
const version = {
  ...{ name: 'charge-order', kind: 'saga', version: 3, sha256: 'ab'.repeat(32), description: 'charges' },
  ...{ created_at: '2026-11-22T10:00:00.000Z', created_by: 'user:usr_1', reason: 'more time' },
  ...{ retired_at: null, retired_by: null, retired_reason: null },
};
const retired = { ...version, version: 2, retired_at: '2026-11-23T10:00:00.000Z', retired_by: 'user:usr_2', retired_reason: 'no good' };
/** A file with this text. */
function file(name: string, text: string): string {
  const path = join(stage.dir, name);
  writeFileSync(path, text);
  return path;
}

describe('fairlead definition', () => {
  it('puts a file, written in what its name or an option says, or standard input', async () => {
    stage.gateway.on(`POST ${base}`, { status: 201, body: { ...version, added: true } });
    const yaml = file('charge.yaml', 'name: charge-order');
    const put = (...more: string[]) => stage.run(['definition', 'put', ...more, '--reason', 'why'], { input: '{}' });
    expect(await put(yaml, '--idempotency-key', 'k-1')).toEqual({
      exitCode: exitCodes.ok,
      out: 'version 3 of charge-order is added\n',
      err: '',
    });
    await put(file('charge.json', '{"name":1}'));
    await put('-');
    await put('-', '--format', 'yaml');
    expect(stage.gateway.seen.map(({ body }) => body)).toEqual([
      { format: 'yaml', text: 'name: charge-order', reason: 'why' },
      { format: 'json', text: '{"name":1}', reason: 'why' },
      { format: 'json', text: '{}', reason: 'why' },
      { format: 'yaml', text: '{}', reason: 'why' },
    ]);
    const [first, second, third] = stage.gateway.seen.map(({ headers }) => headers['idempotency-key']);
    expect([first, second === third]).toEqual(['k-1', false]);
    stage.gateway.on(`POST ${base}`, { body: { ...version, added: false } });
    expect((await put(yaml)).out).toBe('version 3 of charge-order has this content already\n');
  });

  it('tells what the gateway refuses, and a file that can not be read', async () => {
    stage.gateway.on(`POST ${base}`, problem(400, 'config_invalid', '/steps/0/id: is missing'));
    const refused = await stage.run(['definition', 'put', file('a.json', '{}'), '--reason', 'why']);
    expect([refused.exitCode, refused.err]).toEqual([exitCodes.usage, 'error: /steps/0/id: is missing (config_invalid, request req_42)\n']);
    const gone = await stage.run(['definition', 'validate', join(stage.dir, 'gone.json')]);
    expect([gone.exitCode, gone.err]).toEqual([exitCodes.usage, expect.stringContaining('gone.json can not be read')]);
    expect(stage.gateway.seen).toHaveLength(1);
  });

  it('validates a file: all that is wrong, and an exit code', async () => {
    const errors = [
      { pointer: '/steps/0/id', detail: 'is missing' },
      { pointer: '', detail: 'must be an object' },
    ];
    const verdict = { valid: false, code: 'config_invalid', errors, sha256: null, name: null, version: null };
    stage.gateway.on(`POST ${base}/validate`, { body: verdict });
    const wrong = await stage.run(['definition', 'validate', file('a.json', '{}')]);
    expect(wrong.exitCode).toBe(exitCodes.failed);
    expect(wrong.out).toMatch(/config_invalid\n.*\n\/steps\/0\/id +is missing\n\/ +must be an object\n/);
    stage.gateway.on(`POST ${base}/validate`, { body: { ...verdict, valid: true, code: null, errors: [], name: 'a', sha256: 'ab' } });
    const right = await stage.run(['definition', 'validate', file('a.json', '{}')]);
    expect([right.exitCode, right.out]).toEqual([exitCodes.ok, expect.stringMatching(/version +a new one\n/)]);
  });

  it('lists definitions, their versions and who is given which', async () => {
    stage.gateway.on(`GET ${base}`, { body: { items: [version], next_cursor: 'more' } });
    const listed = await stage.run(['definition', 'list', '--kind', 'saga', '--name', 'charge', '--limit', '1']);
    expect(listed.out).toMatch(/charge-order +saga +3 +abababababab +2026-11-22T10:00:00.000Z +- +charges/);
    expect(listed.err).toContain('--cursor more');
    expect(Object.fromEntries(stage.gateway.seen[0]?.query ?? [])).toEqual({ kind: 'saga', name: 'charge', limit: '1' });
    stage.gateway.on(`GET ${base}/charge-order/versions`, { body: { items: [version, retired], next_cursor: null } });
    expect((await stage.run(['definition', 'versions', 'charge-order'])).out).toMatch(/2 +abababababab .* retired 2026-11-23T10/);
    const activation = { document: 'runner-activation/platform/default', tenant_id: null, version: null, staged: false };
    stage.gateway.on(`GET ${base}/charge-order/activations`, {
      body: { items: [activation, { ...activation, tenant_id: 'acme', version: 3, staged: true }], next_cursor: null },
    });
    const { out } = await stage.run(['definition', 'activations', 'charge-order']);
    expect(out).toMatch(/everybody else +off +runner-activation\/platform\/default +in force\nacme +3 .* staged\n/);
  });

  it('shows a version, the newest when none is named, and its content alone', async () => {
    const content = { name: 'charge-order', steps: [] };
    stage.gateway.on(`GET ${base}/charge-order`, { body: { ...version, content } });
    stage.gateway.on(`GET ${base}/charge-order/versions/2`, { body: { ...retired, content } });
    const newest = await stage.run(['definition', 'get', 'charge-order']);
    expect(newest.out).toMatch(/version +3\n[^]*\n\n\{\n {2}"name": "charge-order"/);
    expect((await stage.run(['definition', 'get', 'charge-order', '2'])).out).toMatch(/retired for +no good\n/);
    const { out } = await stage.run(['definition', 'get', 'charge-order', '--content']);
    expect(JSON.parse(out)).toEqual(content);
  });

  it('shows what two versions differ in', async () => {
    const changes = [
      { op: 'changed', pointer: '/timeout_seconds', before: 1, after: 2 },
      { op: 'added', pointer: '/steps/1', after: { id: 'a' } },
    ];
    stage.gateway.on(`GET ${base}/charge-order/diff`, { body: { from: 1, to: 2, changes } });
    const { out } = await stage.run(['definition', 'diff', 'charge-order', '1', '2']);
    expect(out).toMatch(/changed +\/timeout_seconds +1 +2\nadded +\/steps\/1 +- +\{"id":"a"\}\n/);
    expect(Object.fromEntries(stage.gateway.seen[0]?.query ?? [])).toEqual({ from: '1', to: '2' });
    stage.gateway.on(`GET ${base}/charge-order/diff`, { body: { from: 1, to: 1, changes: [] } });
    expect((await stage.run(['definition', 'diff', 'charge-order', '1', '1'])).out).toBe('nothing differs\n');
    expect((await stage.run(['definition', 'diff', 'charge-order', '1', 'x'])).exitCode).toBe(exitCodes.usage);
  });

  it('retires and restores a version, with a reason', async () => {
    for (const change of ['retire', 'restore']) {
      stage.gateway.on(`POST ${base}/charge-order/versions/3/${change}`, { body: version });
      const { out } = await stage.run(['definition', change, 'charge-order', '3', '--reason', 'no good']);
      expect(out).toBe(`version 3 of charge-order is ${change}d\n`);
      expect(stage.gateway.seen.at(-1)?.body).toEqual({ reason: 'no good' });
    }
    stage.gateway.on(`POST ${base}/charge-order/versions/3/restore`, { body: { ...version, changed: false } });
    const nothing = await stage.run(['definition', 'restore', 'charge-order', '3', '--reason', 'no good']);
    expect(nothing.out).toBe('version 3 of charge-order was not retired: nothing has changed\n');
    stage.gateway.on(`POST ${base}/charge-order/versions/3/retire`, problem(409, 'definition_in_use', 'acme has it'));
    const refused = await stage.run(['definition', 'retire', 'charge-order', '3', '--reason', 'no good']);
    expect([refused.exitCode, refused.err]).toEqual([exitCodes.conflict, expect.stringContaining('acme has it')]);
    expect((await stage.run(['definition', 'retire', 'charge-order', '3'])).exitCode).toBe(exitCodes.usage);
  });
});
