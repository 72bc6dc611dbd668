// Real: the audit service with its Postgres, NATS and gRPC, an anchor file, and a receiver of anchors.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyAnchorLine, verifyExport } from '@fairlead/audit-chain';
import { chainV1, type Role } from '@fairlead/contracts';
import { eventually, testFolder } from '@fairlead/testing';
import { jobEvent, startStack, type Stack } from './audit.fixture.js';

const file = join(testFolder('audit-chain'), 'anchors.jsonl');
/** What the receiver was sent; the first is refused. */
const posted: { body: string; headers: IncomingMessage['headers'] }[] = [];
let refusing = false;
let receiver: Server;
let stack: Stack;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      posted.push({ body, headers: request.headers });
      response.writeHead(refusing || posted.length === 1 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  stack = await startStack({
    AUDIT_ANCHOR_FILE: file,
    AUDIT_ANCHOR_EVERY_MS: '50',
    AUDIT_ANCHOR_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/anchors`,
    AUDIT_ANCHOR_WEBHOOK_TOKEN: 'receiver-token',
  });
}, 120_000);

afterAll(async () => {
  await stack.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

const anchored = async (position: number, role: Role = 'viewer') => {
  const chain = await eventually(
    async () => {
      const answer = await stack.chainOf(role).getChain({});
      return (answer.anchor?.position ?? 0) >= position ? answer : undefined;
    },
    { what: `position ${position} to be anchored` },
  );
  return chain;
};

/** The lines of an export. */
async function exported(range: Partial<chainV1.ExportChainRequest> = {}, role: Role = 'admin'): Promise<string[]> {
  let whole = '';
  for await (const { lines } of stack.chainOf(role).exportChain(chainV1.ExportChainRequest.fromPartial(range)))
    whole += Buffer.from(lines).toString();
  return whole.trimEnd().split('\n');
}

const linesOf = (lines: readonly string[]) =>
  async function* () {
    await Promise.resolve();
    yield* lines;
  };

describe('the audit service', () => {
  it('chains what services append, anchors it in the file, and tells where it stands', async () => {
    const position = await stack.append(
      'job-orchestrator',
      jobEvent('job_1', 'job_queued'),
      jobEvent('job_1', 'job_started'),
      jobEvent('job_1', 'job_succeeded'),
    );
    const chain = await anchored(position);
    expect(chain).toMatchObject({ position: chain.head, lag: 0, lagSeconds: 0, unanchored: 0, kept: ['file', 'webhook'], stopped: '' });
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(await verifyAnchorLine(lines.at(-1) ?? '', stack.verifyAnchor)).toMatchObject({
      position: chain.anchor?.position,
      kid: chain.anchor?.kid,
    });
    const metrics = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
    for (const [name, value] of [
      ['chain_position', chain.position],
      ['chain_lag', 0],
      ['chain_lag_seconds', 0],
      ['anchor_position', chain.position],
      ['anchor_stopped', 0],
    ] as const)
      expect(metrics).toMatch(new RegExp(`^fairlead_audit_${name}(\\{\\})? ${value}$`, 'm'));
    expect(metrics).toMatch(/^fairlead_audit_anchor_age_seconds \d/m);
  });

  it('posts each anchor until it is taken, once it is', async () => {
    const chain = await anchored(1);
    const last = await eventually(() => posted.find(({ body }) => readFileSync(file, 'utf8').endsWith(body)), {
      what: 'the last anchor to be posted',
    });
    expect(last.headers).toMatchObject({
      authorization: 'Bearer receiver-token',
      'idempotency-key': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await verifyAnchorLine(last.body.trimEnd(), stack.verifyAnchor)).toMatchObject({ position: chain.anchor?.position });
    // The one that was refused came again.
    await eventually(() => posted.filter(({ body }) => body === posted[0]?.body).length > 1, { what: 'what was refused to come again' });
    const open = () => stack.database.db.query('select 1 from anchor where not posted');
    await eventually(async () => (await open()).length === 0, { what: 'all to be posted' });
  });

  it('says that it is stuck when the receiver takes no anchors', async () => {
    refusing = true;
    try {
      await anchored(await stack.append('job-orchestrator', jobEvent('job_9', 'job_queued')));
      await stack.database.adminSql.query(`update audit.anchor set time = time - interval '6 minutes' where not posted`);
      const { findings } = await stack.logOf('viewer').listStuck({});
      expect(findings).toContainEqual(expect.objectContaining({ what: 'anchors_unposted', severity: 'warning' }));
      const metrics = await (await fetch(`${stack.service().httpUrl}/metrics`)).text();
      expect(metrics).toMatch(/^fairlead_audit_anchor_unposted_seconds(\{\})? 3[6-9]\d/m);
    } finally {
      refusing = false;
    }
  });

  it('is verified by whoever may read the trail', async () => {
    const chain = await anchored(1);
    const checked = await stack.chainOf('viewer').verifyChain({ cursor: '' });
    expect(checked).toMatchObject({ cursor: '', position: chain.head, broken: undefined, source: 'file', restored: [], unanchored: 0 });
    for (const cursor of ['x', Buffer.from('{"offset":-1,"position":0,"hash":""}').toString('base64url')])
      await expect(stack.chainOf('viewer').verifyChain({ cursor })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('exports a range that anybody can verify, and says in the trail to whom before it does', async () => {
    const position = await stack.append('job-orchestrator', jobEvent('job_2', 'job_queued'), jobEvent('job_2', 'job_started'));
    const { anchor } = await anchored(position);
    const lines = await exported();
    const report = await verifyExport({ lines: linesOf(lines), verify: stack.verifyAnchor });
    expect(report).toMatchObject({
      from: 1,
      finding: undefined,
      checked: report.to,
      anchored: { position: expect.any(Number) },
      kids: [anchor?.kid],
    });
    expect(report.anchored?.position).toBeGreaterThanOrEqual(position);
    const part = await verifyExport({
      lines: linesOf(await exported({ fromPosition: 2, toPosition: position })),
      verify: stack.verifyAnchor,
    });
    expect(part).toMatchObject({ from: 2, to: position, finding: undefined, checked: position - 1, anchored: { position } });
    const events = await stack.database.db.query(
      `select payload, meta->>'principal' as principal from log.event where type = 'exported' order by position`,
    );
    expect(events).toEqual([
      { payload: { from: 1, to: report.to }, principal: expect.stringMatching(/^user:usr_/) },
      { payload: { from: 2, to: position }, principal: expect.stringMatching(/^user:usr_/) },
    ]);
    for (const range of [{ toPosition: 1_000_000 }, { fromPosition: 5, toPosition: 4 }])
      await expect(exported(range)).rejects.toMatchObject({ code: 'invalid_argument' });
    for (const role of ['viewer', 'operator'] as const)
      await expect(exported({}, role)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(await stack.database.db.query(`select 1 from log.event where type = 'exported'`)).toHaveLength(2);
  });

  it('anchors what is there before it ends, and goes on from there; several replicas do so together', async () => {
    const replica = await stack.replica();
    await stack.append('job-orchestrator', jobEvent('job_3', 'job_queued'));
    await replica.stop();
    const position = await stack.append('job-orchestrator', jobEvent('job_3', 'job_started'), jobEvent('job_3', 'job_succeeded'));
    await stack.restart();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect((await verifyAnchorLine(lines.at(-1) ?? '', stack.verifyAnchor)).position).toBeGreaterThanOrEqual(position);
    const checked = await stack.chainOf('viewer').verifyChain({ cursor: '' });
    expect(checked).toMatchObject({ broken: undefined, cursor: '' });
  });

  it('says that it is stuck when the log is not what was anchored, and takes no part in hiding it', async () => {
    const head = await stack.append('job-orchestrator', jobEvent('job_4', 'job_queued'));
    await anchored(head);
    const trigger = (state: string) => `alter table log.event ${state} trigger append_only`;
    const edit = (id: string) => `update log.event set aggregate_id = '${id}' where position = ${head}`;
    const { adminSql } = stack.database;
    await adminSql.query([trigger('disable'), edit('job_5'), trigger('enable always')].join(';'));
    const checked = await stack.chainOf('viewer').verifyChain({ cursor: '' });
    expect(checked).toMatchObject({
      position: expect.any(Number),
      broken: { kind: 'edited', position: head, advice: expect.stringContaining('evidence') },
    });
    await adminSql.query(`update audit.chain set hash = decode(repeat('11', 32), 'hex') where position = ${head}`);
    await eventually(async () => (await stack.chainOf('viewer').getChain({})).stopped.includes('than the last anchor'), {
      what: 'anchoring to stop',
    });
    const { findings } = await stack.logOf('viewer').listStuck({});
    expect(findings).toContainEqual(expect.objectContaining({ what: 'anchors_stopped', severity: 'critical' }));
  });
});
