/** Configuration that is given and asked for in odd ways: each is taken as it is meant or refused with a clear problem, and changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { startStack, type Stack } from '@fairlead/dev-env';
import { testFolder } from '@fairlead/testing';
import { Operator, send, type Answer } from './support/operator.js';

type Json = Record<string, unknown>;
interface Refusal {
  code: string | null;
  errors?: { pointer: string; detail: string }[];
}

let stack: Stack;
let ann: Operator;
let token: string;

const reason = 'as the test wants it';
const config = '/admin/v1/config';

beforeAll(async () => {
  stack = await startStack({ stateDir: testFolder('stack'), port: 0, separate: false, sim: false, log: () => undefined });
  const account = stack.firstAdmin();
  ann = await Operator.login(stack.url, stack.simUrl, account);
  const login = { method: 'POST', body: { ...account } };
  ({ access_token: token } = (await send<{ access_token: string }>(`${stack.url}/admin/v1/auth/login`, login)).body);
  for (const seconds of [10, 20, 30]) {
    const plan = await ann.post<{ digest: string }>('/admin/v1/plan/config/apply', {
      domain: 'placement',
      content: cooldown(seconds),
      reason,
    });
    const start = { plan_digest: plan.body.digest, reason };
    const { body } = await ann.post<{ job_id: string }>('/admin/v1/jobs/config/apply', start);
    expect(await ann.ended(body.job_id)).toMatchObject({ status: 'succeeded' });
  }
}, 240_000);

afterAll(() => stack.stop(), 60_000);

const cooldown = (seconds: number) => ({ cooldown_seconds: seconds });
const inForce = async () => (await ann.get(`${config}/placement`)).body;
/** What a problem says, as far as it is for programs; where it stands, when it is about a field. */
const told = ({ status, body }: Answer<Refusal>) => [status, body.code, ...(body.errors ?? []).map(({ pointer }) => pointer)];

describe('a text', () => {
  const mark = '\uFEFF';
  const json = JSON.stringify(cooldown(40));
  const [decode, invalid] = ['config_decode', 'config_invalid'];

  it.each([
    ['JSON that begins with a mark of the byte order', 'placement', 'json', mark + json, null],
    ['JSON whose lines end as on Windows', 'placement', 'json', `{\r\n  "cooldown_seconds": 40\r\n}\r\n`, null],
    ['YAML that begins with a mark, its lines as on Windows', 'placement', 'yaml', `${mark}cooldown_seconds: 40\r\npins: []\r\n`, null],
    ['JSON given as YAML', 'placement', 'yaml', mark + json, null],
    ['YAML given as JSON', 'placement', 'json', 'cooldown_seconds: 40', decode],
    ['two marks before JSON', 'placement', 'json', mark + mark + json, decode],
    ['two marks before YAML', 'placement', 'yaml', `${mark}${mark}cooldown_seconds: 40`, invalid],
    ['a mark behind JSON', 'placement', 'json', json + mark, decode],
    ['nothing but a mark', 'placement', 'json', mark, decode],
    ['nothing but a mark as YAML', 'placement', 'yaml', mark, decode],
    ['nothing', 'placement', 'json', '', decode],
    ['lines that end with a carriage return alone', 'placement', 'yaml', 'cooldown_seconds: 40\rpins: []', decode],
    ['a member whose name is no ASCII', 'placement', 'json', '{"länge": 1}', invalid],
    ['a tenant whose name is no ASCII', 'feature-flags', 'yaml', 'flags: { beta: { value: true, tenants: { 租户: false } } }', invalid],
    ['a flag whose name is no ASCII', 'feature-flags', 'json', '{"flags": {"bêta": {"value": true}}}', invalid],
    ['a name that only looks like a known one', 'placement', 'json', '{"cooldown_sеconds": 40}', invalid],
    ['a number that is not whole', 'placement', 'json', '{"cooldown_seconds": 4.5}', invalid],
    ['a whole number in another form', 'placement', 'yaml', 'cooldown_seconds: 4e1', null],
    ['a number as text', 'placement', 'json', '{"cooldown_seconds": "40"}', invalid],
    ['a number too large to be whole', 'placement', 'json', '{"cooldown_seconds": 12345678901234567890}', invalid],
  ])('of %s is judged and planned alike', async (_what, domain, format, text, code) => {
    const before = await inForce();
    const verdict = await ann.post<Refusal & { valid: boolean }>('/admin/v1/jobs/config/validate', { domain, format, text });
    expect([verdict.status, verdict.body.valid, verdict.body.code]).toEqual([200, code === null, code]);
    for (const { pointer, detail } of verdict.body.errors ?? [])
      expect([typeof pointer, detail]).toEqual(['string', expect.stringMatching(/./)]);
    const planned = await ann.post<Refusal>('/admin/v1/plan/config/apply', { domain, format, text, reason });
    expect([planned.status, planned.body.code, planned.body.errors]).toEqual(
      code === null ? [201, undefined, undefined] : [400, code, verdict.body.errors],
    );
    expect(await inForce()).toEqual(before);
  });

  it('means the same with and without a mark, in JSON and in YAML', async () => {
    const hashes = await Promise.all(
      [
        ['json', json],
        ['json', mark + json],
        ['yaml', `${mark}cooldown_seconds: 40\r\n`],
      ].map(
        async ([format, text]) => (await ann.post('/admin/v1/jobs/config/validate', { domain: 'placement', format, text })).body['sha256'],
      ),
    );
    expect(new Set(hashes)).toEqual(new Set([expect.stringMatching(/^[0-9a-f]{64}$/)]));
  });

  it('may come in a body that begins with a mark, too', async () => {
    const body = mark + JSON.stringify({ domain: 'placement', text: mark + json });
    const headers = { authorization: `Bearer ${token}` };
    const answer = await send(`${stack.url}/admin/v1/jobs/config/validate`, { method: 'POST', headers, body });
    expect(answer).toMatchObject({ status: 200, body: { valid: true } });
  });

  it.each([
    ['a format that there is none of', { format: 'toml', text: '' }, [400, 'invalid_argument', '/format']],
    ['a format in capitals', { format: 'YAML', text: 'a: 1' }, [400, 'invalid_argument', '/format']],
    ['a text that is longer than any', { text: 'x'.repeat(1_000_001) }, [400, 'invalid_argument', '/text']],
    ['a body that is over the limit', { text: 'x'.repeat(1_100_000) }, [413, 'too_large']],
    ['an object for a text', { text: {} }, [400, 'invalid_argument', '/text']],
    ['no text', {}, [400, 'invalid_argument', '/text']],
    ['a domain that there is none of', { domain: 'weather', text: '{}' }, [400, 'invalid_argument', '/domain']],
    ['a domain that every object has', { domain: '__proto__', text: '{}' }, [400, 'invalid_argument', '/domain']],
    ['a document whose name is no ASCII', { name: 'größe', text: '{}' }, [400, 'invalid_argument', '/name']],
    ['a scope that is none', { scope: 'tenants/', text: '{}' }, [400, 'invalid_argument', '/scope']],
    ['a scope within another', { scope: 'tenants/acme/../hooli', text: '{}' }, [400, 'invalid_argument', '/scope']],
  ])('with %s is refused', async (_what, given, refusal) => {
    const body = { domain: 'placement', ...given };
    expect(told(await ann.post<Refusal>('/admin/v1/jobs/config/validate', body))).toEqual(refusal);
    expect(told(await ann.post<Refusal>('/admin/v1/plan/config/apply', { ...body, reason }))).toEqual(refusal);
  });

  it('of a tenant that is not there, or of a domain that has no documents of tenants, is refused', async () => {
    for (const [domain, detail] of [
      ['feature-flags', 'there is no tenant nobody'],
      ['placement', 'documents of placement are for the whole platform'],
    ]) {
      const given = { domain, scope: 'tenants/nobody', text: '{}', reason };
      const { status, body } = await ann.post<Refusal>('/admin/v1/plan/config/apply', given);
      expect([status, body.code, body.errors]).toEqual([400, 'config_invalid', [{ pointer: '', detail }]]);
    }
  });
});

describe('a revision', () => {
  const wrong = [400, 'invalid_argument'];
  const unknown = [404, 'config_not_found'];
  it.each([
    ['0', [200, undefined]],
    ['3', [200, undefined]],
    ['003', [200, undefined]],
    ['4', unknown],
    ['999999999999', unknown],
    ['999999999999999', unknown],
    ['9999999999999999', [...wrong, '/revision']],
    ['-1', [...wrong, '/revision']],
    ['1e3', [...wrong, '/revision']],
    ['1.0', [...wrong, '/revision']],
    ['0x1', [...wrong, '/revision']],
    ['%201', [...wrong, '/revision']],
    ['%D9%A1', [...wrong, '/revision']],
    ['newest', [...wrong, '/revision']],
  ])('%s is read, or refused', async (revision, answer) => {
    expect(told(await ann.get<Refusal>(`${config}/placement/revisions/${revision}`))).toEqual(answer);
  });

  it.each([
    [-1, [...wrong, '/revision']],
    [0.5, [...wrong, '/revision']],
    ['1', [...wrong, '/revision']],
    [null, [...wrong, '/revision']],
    [1e20, [...wrong, '/revision']],
    [1e3, unknown],
    [999_999_999_999, unknown],
    [Number.MAX_SAFE_INTEGER, unknown],
  ])('%j is not gone back to', async (revision, refusal) => {
    const asked = { domain: 'placement', revision, reason };
    expect(told(await ann.post<Refusal>('/admin/v1/plan/config/rollback', asked))).toEqual(refusal);
  });

  it('does not differ from itself, and is compared with none that is not there', async () => {
    const diff = (from: unknown, to: unknown) => ann.get<Refusal & Json>(`${config}/placement/diff?from=${String(from)}&to=${String(to)}`);
    for (const n of [0, 1, 3]) expect(await diff(n, n)).toMatchObject({ status: 200, body: { from: n, to: n, changes: [] } });
    expect((await diff(1, 3)).body['changes']).toEqual([{ op: 'changed', pointer: '/cooldown_seconds', before: 10, after: 30 }]);
    expect(told(await diff(-1, '1e3'))).toEqual([...wrong, '/from', '/to']);
    for (const [from, to] of [
      [1, 999_999_999_999],
      [99, 99],
    ])
      expect(told(await diff(from, to))).toEqual(unknown);
  });
});

describe('what is asked for', () => {
  it('comes a page at a time, to its end', async () => {
    const revisions: unknown[] = [];
    let cursor: string | null = null;
    do {
      const at: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { status, body } = await ann.get<{ items: { revision: number }[]; next_cursor: string | null }>(
        `${config}/placement/history?limit=1${at}`,
      );
      expect([status, body.items.length]).toEqual([200, 1]);
      revisions.push(body.items[0]?.revision);
      cursor = body.next_cursor;
    } while (cursor !== null && revisions.length < 10);
    expect(revisions).toEqual([3, 2, 1]);
    for (const limit of ['0', '-1', '1e3', '1.5', ''])
      expect(told(await ann.get<Refusal>(`${config}/placement/history?limit=${limit}`))).toEqual([400, 'invalid_argument', '/limit']);
    expect(told(await ann.get<Refusal>(`${config}/placement/history?cursor=bm9uZSAx`))).toEqual([400, 'invalid_argument', '/cursor']);
  });

  it.each([
    ['weather', [400, 'invalid_argument', '/domain']],
    ['Routing', [400, 'invalid_argument', '/domain']],
    ['routing?name=Default', [400, 'invalid_argument', '/name']],
    ['routing?name=gr%C3%B6%C3%9Fe', [400, 'invalid_argument', '/name']],
    ['routing?name=', [400, 'invalid_argument', '/name']],
    ['routing?name=a&name=b', [400, 'invalid_argument', '/name']],
    ['routing?scope=tenants', [400, 'invalid_argument', '/scope']],
    ['routing?scope=tenants/a/b', [400, 'invalid_argument', '/scope']],
    ['routing?revision=1', [400, 'invalid_argument', '/revision']],
  ])('as %s is refused', async (path, refusal) => {
    expect(told(await ann.get<Refusal>(`${config}/${path}`))).toEqual(refusal);
  });

  it('of a document that nothing was ever applied of is its domain’s defaults, without history', async () => {
    expect(await ann.get(`${config}/routing?name=unheard-of`)).toMatchObject({ status: 200, body: { name: 'unheard-of', revision: 0 } });
    expect(await ann.get(`${config}/routing/history?name=unheard-of`)).toMatchObject({
      status: 200,
      body: { items: [], next_cursor: null },
    });
  });

  it.each([
    ['application/yaml', 'yaml'],
    ['APPLICATION/YAML; charset=utf-8', 'yaml'],
    ['text/html, application/yaml;q=0.5', 'yaml'],
    ['application/yaml;q=0, application/json', 'json'],
    ['application/json', 'json'],
    ['text/yaml', 'json'],
    ['*/*', 'json'],
    ['', 'json'],
    ['nonsense;;,,', 'json'],
  ])('with Accept: %j comes as %s', async (accept, form) => {
    for (const path of ['placement', 'placement/revisions/3']) {
      const answer = await fetch(`${stack.url}${config}/${path}`, { headers: { authorization: `Bearer ${token}`, accept } });
      expect([answer.status, answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([
        200,
        `application/${form}; charset=utf-8`,
        expect.stringContaining('accept'),
      ]);
      const text = await answer.text();
      expect(form === 'yaml' ? parse(text) : JSON.parse(text)).toMatchObject({ revision: 3, content: cooldown(30) });
    }
  });
});
