import { expectAnswer, expectProblem, expectTrue } from '../expect.js';
import type { Bench, Rule } from '../rule.js';

const ofCommands = { of: 'shards', sendsCommands: true } as const;

/** C: numbered commands, sent as the simulated fleet takes them: POST {"seq": n} to a path that was named. */
export const commandRules: readonly Rule[] = [
  { id: 'C1', mandatory: true, ...ofCommands, title: 'a command is done once, however often it comes', check: once },
  { id: 'C2', mandatory: true, ...ofCommands, title: 'tenant_draining while it does not serve', check: draining },
  { id: 'C3', mandatory: true, ...ofCommands, title: 'tenant_moved with the revision that says where to', check: moved },
  { id: 'C4', mandatory: true, ...ofCommands, title: 'tenant_unknown for a tenant it does not have', check: unknown },
  { id: 'C5', mandatory: false, ...ofCommands, title: 'a command whose predecessor is missing is refused', check: gap },
];

async function once({ tenant }: Bench): Promise<void> {
  const { lastSeq, lag } = await tenant.bring('active');
  const seq = lastSeq + lag + 1;
  const both = await Promise.all([tenant.command(seq), tenant.command(seq)]);
  for (const answer of [...both, await tenant.command(seq)]) expectAnswer(`command ${String(seq)}`, answer, { status: 200 });
  const after = await tenant.settles((status) => status.lag === 0 && status.lastSeq >= seq, `command ${String(seq)} to be applied`);
  expectTrue(after.lastSeq === seq, `last_seq ${String(seq)} after command ${String(seq)}, sent three times`, String(after.lastSeq));
}

async function draining({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  for (const state of ['drained', 'sealed', 'imported'] as const) {
    const { lastSeq } = await tenant.bring(state);
    const answer = await tenant.command(lastSeq + 1);
    expectProblem(`a command while ${state}`, answer, 503, 'tenant_draining', { state });
    const after = await tenant.status();
    expectTrue(after.lastSeq === lastSeq && after.lag === 0, `nothing done by a command while ${state}`, JSON.stringify(after));
  }
}

async function moved({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  expectAnswer('drop', await tenant.admin('drop', { moved_revision: 7 }), { status: 200 });
  expectProblem('a command while moved', await tenant.command(1), 409, 'tenant_moved', { revision: 7 });
}

async function unknown({ tenant }: Bench): Promise<void> {
  await tenant.seal();
  await tenant.bring('absent');
  expectProblem('a command while absent', await tenant.command(1), 404, 'tenant_unknown');
}

async function gap({ tenant }: Bench): Promise<void> {
  const { lastSeq, lag } = await tenant.bring('active');
  const expected = lastSeq + lag + 1;
  expectProblem('a command that comes before its time', await tenant.command(expected + 1), 409, 'command_gap', { expected });
}
