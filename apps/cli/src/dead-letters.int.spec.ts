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

const letter = {
  sequence: 17,
  dead_letter_id: 'dead-1795246797320-17',
  consumer: 'fleet-observer',
  original: { stream: 'EVT', subject: 'evt.shard.runner-1.shard_changed', sequence: 205 },
  deliveries: 5,
  replays: 1,
  error: `no such\r\n\u001b[2Jshard ${'x'.repeat(100)}`,
  failed_at: '2026-11-21T10:00:00.000Z',
  payload: { type: 'shard_changed' },
};
const path = '/admin/v1/dead-letters';

describe('dead-letter', () => {
  it('lists, of one consumer, what each line has room for', async () => {
    gateway.on(`GET ${path}`, { body: { items: [letter], next_cursor: null } });
    const { out } = await run(['dead-letter', 'list', '--consumer', 'fleet-observer', '--limit', '10']);
    expect(Object.fromEntries(gateway.seen[0]?.query ?? [])).toEqual({ consumer: 'fleet-observer', limit: '10' });
    expect(out.split('\n')).toHaveLength(3);
    expect(out).toContain('17');
    expect(out).toContain('evt.shard.runner-1.shard_changed');
    expect(out).not.toContain('x'.repeat(80));
    expect(out).not.toContain('\u001b');
    const json = await run(['dead-letter', 'list', '-o', 'json']);
    expect(JSON.parse(json.out)).toEqual({ items: [letter], next_cursor: null });
  });

  it('shows one with its payload', async () => {
    gateway.on(`GET ${path}/17`, { body: letter });
    const { out } = await run(['dead-letter', 'show', '17']);
    expect(out).toContain('{"type":"shard_changed"}');
    expect(out).toContain('x'.repeat(100));
    expect(out).not.toContain('\u001b');
  });

  it('replays for a reason', async () => {
    gateway.on(`POST ${path}/17/replay`, { status: 202, body: letter });
    const { out, exitCode } = await run(['dead-letter', 'replay', '17', '--reason', 'the shard is back']);
    expect([exitCode, out]).toEqual([exitCodes.ok, 'dead letter 17 is handed to fleet-observer again; it comes back if it fails again\n']);
    expect(gateway.seen.map(({ body }) => body)).toEqual([{ reason: 'the shard is back' }]);
    gateway.on(`POST ${path}/17/replay`, problem(409, 'dead_letter_settled', 'Dead letter 17 was already replayed'));
    expect(await run(['dead-letter', 'replay', '17', '--reason', 'again'])).toMatchObject({
      exitCode: exitCodes.conflict,
      err: expect.stringContaining('already replayed'),
    });
  });

  it('discards after a person has seen it and said yes', async () => {
    gateway.on(`GET ${path}/17`, { body: letter });
    gateway.on(`POST ${path}/17/discard`, { body: letter });
    const command = ['dead-letter', 'discard', '17', '--reason', 'the tenant is gone'];
    const refused = await run(command, { answers: ['n'] });
    expect(refused).toMatchObject({ exitCode: exitCodes.failed, err: expect.stringContaining('nothing was discarded') });
    expect(refused.err).toContain('Forget this message? [y/N]');
    expect(refused.err).toContain('evt.shard.runner-1.shard_changed');
    expect(gateway.of(`POST ${path}/17/discard`)).toEqual([]);
    expect(await run(command, { answers: ['y'] })).toMatchObject({ exitCode: exitCodes.ok, out: 'dead letter 17 is discarded\n' });
    expect((await run([...command, '--yes'], { answers: [] })).exitCode).toBe(exitCodes.ok);
    expect(gateway.of(`POST ${path}/17/discard`).map(({ body }) => body)).toEqual([
      { reason: 'the tenant is gone' },
      { reason: 'the tenant is gone' },
    ]);
  });

  it.each([[['replay', '17']], [['discard', '17']], [['show', 'x']], [['show', '0']], [['replay', '../1', '--reason', 'x']]])(
    '%j is wrong usage',
    async (args) => {
      expect((await run(['dead-letter', ...args])).exitCode).toBe(exitCodes.usage);
      expect(gateway.seen).toEqual([]);
    },
  );
});
