import { createHash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expectAnswer, expectProblem, expectTrue, isCount, shown } from '../expect.js';
import type { Bench, Rule } from '../rule.js';
import { expectState, TestTenant, testTenant, type TenantCopy } from '../test-tenant.js';

/** H: handing a tenant over. */
export const handOverRules: readonly Rule[] = [
  {
    id: 'H1',
    mandatory: true,
    of: 'shards',
    title: 'each export of a sealed tenant answers the same data and its checksum',
    check: exports,
  },
  { id: 'H2', mandatory: true, of: 'shards', title: 'the data has all that the next owner needs', check: wholeCopy },
  { id: 'H3', mandatory: true, of: 'shards', title: 'damaged data and that of others is refused', check: wrongData },
  { id: 'H4', mandatory: true, of: 'shards', title: 'an imported copy does not serve, and can be replaced', check: importedWaits },
  { id: 'H5', mandatory: true, of: 'shards', title: 'export and import are repeated only while their copy is there', check: lateRepeats },
  { id: 'H6', mandatory: true, of: 'shards', title: 'drop removes the copy, and keeps where the tenant moved to', check: drops },
  { id: 'H7', mandatory: false, of: 'shards', title: 'data is below 1 MiB', check: size },
  {
    id: 'H8',
    mandatory: false,
    of: 'shards',
    title: 'a copy is told with its checksum and count, the same here and there',
    check: toldCopies,
  },
];

const advisedBytes = 1_048_576;

async function exports({ tenant }: Bench): Promise<void> {
  await tenant.bring('drained');
  const key = { idempotency_key: tenant.stamp().idempotency_key };
  const first = expectState('export', await tenant.admin('export', key), 'sealed');
  const { data, sha256 } = first.body;
  expectTrue(typeof data === 'string' && sha256 === checksum(data), 'data, and the lower-case hex SHA-256 of its bytes', shown(first));
  for (const more of [key, {}]) {
    const again = await tenant.admin('export', more);
    expectAnswer('another export while sealed', again, { status: 200, body: { state: 'sealed', data, sha256 } });
  }
}

/** Over to the peer where there is one, else away and back. */
async function wholeCopy({ tenant, peer = tenant }: Bench): Promise<void> {
  await doSome(tenant);
  const copy = await tenant.seal();
  const { lastSeq } = await tenant.status();
  if (peer === tenant) await tenant.bring('absent');
  else {
    const there = await peer.status();
    // Both go by the fences of this run.
    peer.shared.fence = Math.max(peer.shared.fence, there.fence);
    if (there.state !== 'absent' && there.state !== 'moved') await peer.bring('absent');
  }
  const imported = expectState('import', await peer.admin('import', { ...copy }), 'imported');
  expectTrue(imported.body['last_seq'] === lastSeq, `last_seq ${String(lastSeq)}, as exported, after import`, shown(imported));
  const resumed = expectState('resume', await peer.admin('resume'), 'active');
  expectTrue(resumed.body['last_seq'] === lastSeq, `last_seq ${String(lastSeq)}, as exported, after resume`, shown(resumed));
  if (tenant.shared.commandPath !== undefined && lastSeq > 0) {
    expectAnswer('a command that was done before the hand-over', await peer.command(lastSeq), { status: 200 });
    const after = await peer.status();
    expectTrue(
      after.lastSeq + after.lag === lastSeq,
      `last_seq ${String(lastSeq)} after a command that was done before`,
      JSON.stringify(after),
    );
  }
  if (peer !== tenant) {
    expectState('drop at the peer', await drained(peer), 'absent');
    expectState('resume at the origin', await tenant.admin('resume'), 'active');
  }
}

async function drained(peer: TestTenant) {
  await peer.bring('drained');
  return peer.admin('drop');
}

async function wrongData({ service, tenant }: Bench): Promise<void> {
  const copy = await tenant.seal();
  await tenant.bring('absent');
  // Nobody's: whatever comes of it goes again.
  const other = new TestTenant(service, { ...tenant.shared, id: `${testTenant}-${randomBytes(8).toString('hex')}` });
  try {
    const damaged = await tenant.admin('import', { ...copy, data: `${copy.data} ` });
    expectProblem('import of data that has another checksum', damaged, 400, 'checksum_mismatch');
    const nonsense = 'this is no copy of a tenant';
    const unknown = await tenant.admin('import', { data: nonsense, sha256: checksum(nonsense) });
    expectProblem('import of data that is no copy', unknown, 400, 'invalid_argument');
    expectProblem("import of another tenant's data", await other.admin('import', { ...copy }), 400, 'invalid_argument');
    for (const one of [tenant, other]) {
      const { state } = await one.status();
      expectTrue(state === 'absent', 'absent after imports that were refused', state);
    }
  } finally {
    // Whatever was taken all the same goes.
    if ((await other.status()).state !== 'absent') await other.admin('drop');
  }
}

async function importedWaits({ tenant }: Bench): Promise<void> {
  const older = await tenant.seal();
  const { lastSeq } = await tenant.status();
  await tenant.bring('active');
  await doSome(tenant);
  const newer = await tenant.seal();
  const { lastSeq: newerSeq } = await tenant.status();
  await tenant.bring('absent');
  await bringsIn(tenant, older, lastSeq);
  await bringsIn(tenant, newer, newerSeq);
  if (tenant.shared.commandPath === undefined) return;
  const command = await tenant.command(newerSeq + 1);
  expectProblem('a command while imported', command, 503, 'tenant_draining', { state: 'imported' });
}

async function bringsIn(tenant: TestTenant, copy: TenantCopy, lastSeq: number): Promise<void> {
  const imported = expectState('import', await tenant.admin('import', { ...copy }), 'imported');
  expectTrue(imported.body['last_seq'] === lastSeq, `last_seq ${String(lastSeq)} of the copy that came last`, shown(imported));
  const { state } = await tenant.status();
  expectTrue(state === 'imported', 'imported until resume', state);
}

async function lateRepeats({ tenant }: Bench): Promise<void> {
  await tenant.bring('drained');
  const key = { idempotency_key: tenant.stamp().idempotency_key };
  expectState('export', await tenant.admin('export', key), 'sealed');
  await tenant.seal();
  await tenant.bring('active');
  expectProblem('the export again after resume', await tenant.admin('export', key), 409, 'tenant_state', { state: 'active' });
  await tenant.bring('absent');
  const copy = { ...key, ...tenant.shared.copy };
  expectState('import', await tenant.admin('import', copy), 'imported');
  expectAnswer('the import again', await tenant.admin('import', copy), { status: 200, body: { state: 'imported', repeated: true } });
  await tenant.bring('active');
  expectProblem('the import again after resume', await tenant.admin('import', copy), 409, 'tenant_state', { state: 'active' });
}

async function drops({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  const moved = await tenant.admin('drop', { moved_revision: 7 });
  expectAnswer('drop with a revision', moved, { status: 200, body: { state: 'moved', moved_revision: 7 } });
  const raised = await tenant.admin('drop', { moved_revision: 9 });
  expectAnswer('drop with a higher revision', raised, { status: 200, body: { state: 'moved', moved_revision: 9 } });
  await tenant.bring('imported');
  expectState('drop without a revision', await tenant.admin('drop'), 'absent');
}

async function size({ tenant }: Bench): Promise<void> {
  const { data } = await tenant.seal();
  const bytes = Buffer.byteLength(data);
  expectTrue(bytes < advisedBytes, 'less than 1 MiB of data', `${String(bytes)} bytes`);
}

async function toldCopies({ tenant, peer = tenant }: Bench): Promise<void> {
  await doSome(tenant);
  const { sha256, data } = await tenant.seal();
  const sealed = await tenant.look();
  const copy = sealed.body['copy'] as { sha256?: unknown; entries?: unknown } | undefined;
  expectTrue(
    copy?.sha256 === sha256 && isCount(copy.entries),
    'copy with the sha256 of the export and entries, while sealed',
    shown(sealed),
  );
  if (peer === tenant) await tenant.bring('absent');
  const imported = expectState('import', await peer.admin('import', { data, sha256 }), 'imported');
  for (const answer of [imported, await peer.look()])
    expectTrue(isDeepStrictEqual(answer.body['copy'], copy), `copy ${JSON.stringify(copy)} while imported, as while sealed`, shown(answer));
  await peer.bring('absent');
}

/** One command more, where it is known how. */
async function doSome(tenant: TestTenant): Promise<void> {
  const { lastSeq, lag } = await tenant.bring('active');
  if (tenant.shared.commandPath === undefined) return;
  const seq = lastSeq + lag + 1;
  expectAnswer(`command ${String(seq)}`, await tenant.command(seq), { status: 200 });
  await tenant.settles((status) => status.lastSeq >= seq, `command ${String(seq)} to be applied`);
}

const checksum = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
