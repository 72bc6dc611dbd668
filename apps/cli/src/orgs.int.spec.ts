import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exitCodes } from './exit.js';
import { problem, startStage, type Stage } from './gateway.fixture.js';

let stage: Stage;
let gateway: Stage['gateway'];
let run: Stage['run'];

beforeEach(async () => {
  stage = await startStage();
  ({ gateway, run } = stage);
});

afterEach(() => stage.stop());

const orgs = '/platform/v1/orgs';
const org = { org_id: 'org_1', name: 'acme', display_name: 'Acme', scope: '/orgs/acme', revision: 2, created_at: '2026-11-01T10:00:00Z' };
const project = { ...org, project_id: 'prj_1', org: 'acme', name: 'web', scope: '/orgs/acme/projects/web', principal: 'project:prj_1' };

describe('fairlead org', () => {
  it('makes, lists, shows, changes and deletes orgs, of the revision that was looked at', async () => {
    gateway.on(`POST ${orgs}`, { status: 201, body: org });
    gateway.on(`GET ${orgs}`, { body: { items: [org], next_cursor: null } });
    gateway.on(`GET ${orgs}/acme`, { body: org });
    gateway.on(`PATCH ${orgs}/acme`, { body: org });
    gateway.on(`DELETE ${orgs}/acme`, problem(409, 'org_in_use', 'The org acme has projects'));
    expect((await run(['org', 'create', 'acme', '--idempotency-key', 'k'])).out).toContain('scope         /orgs/acme\n');
    expect([gateway.seen[0]?.body, gateway.seen[0]?.headers['idempotency-key']]).toEqual([{ name: 'acme', display_name: 'acme' }, 'k']);
    expect(JSON.parse((await run(['org', 'list', '-o', 'json'])).out)).toEqual({ items: [org], next_cursor: null });
    expect((await run(['org', 'show', 'acme'])).out).toContain('revision      2\n');
    await run(['org', 'change', 'acme', '--display-name', 'Acme & Sons', '--revision', '2']);
    expect([gateway.seen[3]?.headers['if-match'], gateway.seen[3]?.body]).toEqual(['"2"', { display_name: 'Acme & Sons' }]);
    const refused = await run(['org', 'delete', 'acme']);
    expect([refused.exitCode, gateway.seen[4]?.headers['if-match']]).toEqual([exitCodes.conflict, '*']);
    expect((await run(['org', 'show', '..'])).exitCode).toBe(exitCodes.usage);
  });
});

describe('fairlead project', () => {
  it('makes, lists, shows, changes and deletes the projects of an org', async () => {
    const projects = `${orgs}/acme/projects`;
    gateway.on(`POST ${projects}`, { status: 201, body: project });
    gateway.on(`GET ${projects}`, ({ query }) => ({
      body: query.get('cursor') === null ? { items: [project], next_cursor: 'c' } : { items: [], next_cursor: null },
    }));
    gateway.on(`GET ${projects}/web`, { body: project });
    gateway.on(`PATCH ${projects}/web`, { body: project });
    gateway.on(`DELETE ${projects}/web`, { status: 204 });
    expect((await run(['project', 'create', 'acme', 'web', '--display-name', 'Site'])).out).toContain('principal     project:prj_1\n');
    expect(gateway.seen[0]?.body).toEqual({ name: 'web', display_name: 'Site' });
    expect((await run(['project', 'list', 'acme'])).out).toContain('project:prj_1');
    expect((await run(['project', 'show', 'acme', 'web'])).out).toContain('scope         /orgs/acme/projects/web\n');
    expect((await run(['project', 'change', 'acme', 'web', '--display-name', 'Shop'])).exitCode).toBe(exitCodes.ok);
    expect((await run(['project', 'delete', 'acme', 'web'])).out).toBe('project web of acme is deleted\n');
    gateway.on(`GET ${projects}/none`, problem(404, 'project_not_found', 'The org acme has no project none'));
    expect((await run(['project', 'show', 'acme', 'none'])).exitCode).toBe(exitCodes.notFound);
  });
});

describe('fairlead project key', () => {
  it('makes keys, rotates and revokes them, and lists them without their secrets', async () => {
    const keys = `${orgs}/acme/projects/web/keys`;
    const key = { key_id: 'flt_1', name: 'ci', role: 'viewer', expires_at: '2027-01-01T00:00:00Z', previous_until: null };
    gateway.on(`POST ${keys}`, { status: 201, body: { ...key, key: 'flt_1_secret' } });
    gateway.on(`POST ${keys}/flt_1/rotate`, { body: { ...key, key: 'flt_1_other', previous_until: '2026-11-02T00:00:00Z' } });
    gateway.on(`GET ${keys}`, { body: { items: [key], next_cursor: null } });
    gateway.on(`DELETE ${keys}/flt_1`, { status: 204 });
    const made = await run(['project', 'key', 'create', 'acme', 'web', 'ci', '--role', 'viewer', '--days', '30']);
    expect(made.out).toContain('flt_1_secret');
    expect(gateway.seen[0]?.body).toEqual({ name: 'ci', role: 'viewer', expires_in_days: 30 });
    const rotated = await run(['project', 'key', 'rotate', 'acme', 'web', 'flt_1', '--overlap', '2']);
    expect([rotated.out.includes('flt_1_other'), rotated.out.includes('works until 2026-11-02')]).toEqual([true, true]);
    expect(gateway.seen[1]?.body).toEqual({ overlap_hours: 2 });
    expect((await run(['project', 'key', 'list', 'acme', 'web'])).out).toContain('flt_1');
    expect((await run(['project', 'key', 'revoke', 'acme', 'web', 'flt_1'])).out).toBe('key flt_1 is revoked\n');
    gateway.on(`POST ${keys}`, problem(409, 'too_many_keys', 'Two keys of a project are valid at a time at most'));
    const refused = await run(['project', 'key', 'create', 'acme', 'web', 'ci', '--role', 'viewer']);
    expect(refused.exitCode).toBe(exitCodes.conflict);
  });
});
