/** log.append against a model of it: any sequence of batches gives the same outcomes and the same log. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Sql } from '@fairlead/postgres';
import { testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { callAppend } from './append.js';
import { encodeCommand, type EncodedCommand } from './command.js';
import { headPosition, readLog } from './read.js';
import type { AnyCommand, AppendOutcome, Command } from './types.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase({ service: 'placement' });
}, 60_000);

afterAll(async () => {
  await database.drop();
});

const aggregateTypes = ['tenant', 'shard'] as const;

const events = fc.record({
  aggregateType: fc.constantFrom(...aggregateTypes),
  aggregateId: fc.constantFrom('a', 'b', 'c'),
  expectedVersion: fc.option(fc.nat(6), { nil: undefined }),
});
const commands = fc.record({
  commandId: fc.option(fc.integer({ min: 1, max: 30 }).map(String), { nil: undefined, freq: 3 }),
  events: fc.array(events, { minLength: 1, maxLength: 4 }),
});
const batches = fc.record({
  commands: fc.array(commands, { minLength: 1, maxLength: 8 }),
  // A release before gives the same in another form.
  form: fc.constantFrom('now', 'earlier'),
});
const histories = fc.array(batches, { minLength: 1, maxLength: 6 });

/** What the log should be, in a few lines: no batches, no arrays, one command after the other. */
class Model {
  readonly log: string[] = [];
  private versions = new Map<string, number>();
  private readonly known = new Map<string, { firstPosition: number; lastPosition: number }>();

  constructor(private readonly start: number) {}

  append({ commandId, events: given }: AnyCommand): AppendOutcome {
    const earlier = commandId === undefined ? undefined : this.known.get(commandId);
    if (earlier !== undefined) return { status: 'ok', ...earlier, repeated: true };
    const versions = new Map(this.versions);
    const added: string[] = [];
    for (const { aggregateType, aggregateId, expectedVersion } of given) {
      const key = `${aggregateType}/${aggregateId}`;
      const actual = versions.get(key) ?? 0;
      if (expectedVersion !== undefined && expectedVersion !== actual)
        return { status: 'conflict', aggregateType, aggregateId, expected: expectedVersion, actual };
      versions.set(key, actual + 1);
      added.push(`${key}@${String(actual + 1)} ${String(commandId)}`);
    }
    this.versions = versions;
    const firstPosition = this.start + this.log.length + 1;
    this.log.push(...added);
    const positions = { firstPosition, lastPosition: this.start + this.log.length };
    if (commandId !== undefined) this.known.set(commandId, positions);
    return { status: 'ok', ...positions, repeated: false };
  }
}

/** Where each aggregate stands, by the log's own table and by its events. */
const standing = `select aggregate_type, aggregate_id, version, position from log.stream where aggregate_id like $1 order by 1, 2`;
const standingByEvents = `select aggregate_type, aggregate_id, max(version) as version, max(position) as position from log.event
  where aggregate_id like $1 group by 1, 2 order by 1, 2`;

/** As a service of the release before calls the log. */
async function callEarlier(sql: Sql, commands: readonly EncodedCommand[]): Promise<AppendOutcome[]> {
  const given = commands.map(({ id, events }) => ({
    command_id: id,
    events: events.map((event) => ({
      aggregate_type: event.aggregateType,
      aggregate_id: event.aggregateId,
      expected_version: event.expectedVersion ?? undefined,
      type: event.type,
      payload: JSON.parse(event.payload) as unknown,
      meta: JSON.parse(event.meta) as unknown,
    })),
  }));
  const rows = await sql.query<{
    status: 'ok' | 'repeated' | 'conflict';
    first_position: number;
    last_position: number;
    conflict: { aggregate_type: string; aggregate_id: string; expected: number; actual: number } | null;
  }>('select status, first_position, last_position, conflict from log.append($1::jsonb) order by command_index', [JSON.stringify(given)]);
  return rows.map(({ status, first_position: firstPosition, last_position: lastPosition, conflict }) => {
    if (status !== 'conflict') return { status: 'ok', firstPosition, lastPosition, repeated: status === 'repeated' };
    const { aggregate_type: aggregateType, aggregate_id: aggregateId, expected = NaN, actual = NaN } = conflict ?? {};
    return { status, aggregateType: aggregateType ?? '', aggregateId: aggregateId ?? '', expected, actual };
  });
}

it('answers and stores what the model does', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      run += 1;
      // Aggregates and commands of this run alone.
      const own = (text: string) => `${String(run)}-${text}`;
      const start = await headPosition(database.db);
      const model = new Model(start);
      for (const { commands: batch, form } of history) {
        const given: Command<TestEvents>[] = batch.map((command) => ({
          ...(command.commandId === undefined ? {} : { commandId: own(command.commandId) }),
          events: command.events.map((event) => ({
            ...event,
            aggregateId: own(event.aggregateId),
            type: 'changed',
            payload: { by: command.commandId === undefined ? 'undefined' : own(command.commandId) },
          })),
        }));
        const encoded = given.map((command) => encodeCommand(command, undefined, testEvents));
        const outcomes = await (form === 'now' ? callAppend(database.db, encoded) : callEarlier(database.db, encoded));
        expect(outcomes).toEqual(given.map((command) => model.append(command)));
      }
      const stored = await readLog(database.db, { after: start, limit: 1_000 });
      expect(stored.map((event) => event.position)).toEqual(stored.map((_, index) => start + 1 + index));
      expect(
        stored.map((event) => `${event.aggregateType}/${event.aggregateId}@${String(event.version)} ${String(event.payload['by'])}`),
      ).toEqual(model.log);
      expect(await headPosition(database.db)).toBe(start + model.log.length);
      expect(await database.db.query(standing, [`${String(run)}-%`])).toEqual(
        await database.db.query(standingByEvents, [`${String(run)}-%`]),
      );
    }),
    { numRuns: 150 },
  );
}, 60_000);
