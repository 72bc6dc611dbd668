import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { groupsOf, unfolded } from './api-document.js';

const document = JSON.parse(readFileSync(new URL('../../api-gateway/openapi.json', import.meta.url), 'utf8')) as Record<string, unknown>;
const all = groupsOf(document, '').flatMap(({ operations }) => operations);

describe('the API’s document', () => {
  it('is shown whole, each operation once', () => {
    const paths = Object.values(document['paths'] as Record<string, object>);
    expect(all).toHaveLength(paths.reduce((sum, methods) => sum + Object.keys(methods).length, 0));
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('tells what an operation takes, needs and answers', () => {
    expect(all.find(({ id }) => id === 'tenants.create')).toMatchObject({
      ...{ method: 'POST', path: '/admin/v1/tenants', needs: 'tenant.write' },
      fields: [{ name: 'Idempotency-Key', where: 'header', required: true }],
      body: { required: ['tenant_id', 'name'] },
      answers: [{ status: '201' }],
    });
    const needs = (id: string) => all.find((operation) => operation.id === id)?.needs;
    expect(['auth.login', 'auth.refresh', 'auth.me'].map(needs)).toEqual(['nothing', 'the session of a browser', 'self']);
  });

  it.each([
    ['tenant-drain', ['plans.drain', 'jobs.drain']],
    ['TENANT.WRITE', ['tenants.create']],
    ['no such thing', []],
  ])('is searched for %s', (text, found) => {
    expect(groupsOf(document, text).flatMap(({ operations }) => operations.map(({ id }) => id))).toEqual(found);
  });

  it('unfolds what a schema refers to, however deep', () => {
    const job = unfolded(document, { $ref: '#/components/schemas/Job' });
    expect(JSON.stringify(job)).not.toContain('$ref');
    expect(job).toMatchObject({ properties: { steps: { items: { properties: { attempts: { type: 'integer' } } } } } });
  });
});
