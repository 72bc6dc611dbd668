/** log.append against a model of it: any sequence of batches gives the same outcomes and the same log. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { testDatabase, testEvents, type TestDatabase, type TestEvents } from '@fairlead/testing';
import { callAppend } from './append.js';
import { encodeCommand } from './command.js';
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
  commandId: fc.integer({ min: 1, max: 30 }).map(String),
  events: fc.array(events, { minLength: 1, maxLength: 4 }),
});
const histories = fc.array(fc.array(commands, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

/** What the log should be, in a few lines: no batches, no arrays, one command after the other. */
class Model {
  readonly log: string[] = [];
  private versions = new Map<string, number>();
  private readonly known = new Map<string, { firstPosition: number; lastPosition: number }>();

  constructor(private readonly start: number) {}

  append({ commandId, events: given }: AnyCommand): AppendOutcome {
    const earlier = this.known.get(commandId);
    if (earlier !== undefined) return { status: 'ok', ...earlier, repeated: true };
    const versions = new Map(this.versions);
    const added: string[] = [];
    for (const { aggregateType, aggregateId, expectedVersion } of given) {
      const key = `${aggregateType}/${aggregateId}`;
      const actual = versions.get(key) ?? 0;
      if (expectedVersion !== undefined && expectedVersion !== actual)
        return { status: 'conflict', aggregateType, aggregateId, expected: expectedVersion, actual };
      versions.set(key, actual + 1);
      added.push(`${key}@${String(actual + 1)} ${commandId}`);
    }
    this.versions = versions;
    const firstPosition = this.start + this.log.length + 1;
    this.log.push(...added);
    const positions = { firstPosition, lastPosition: this.start + this.log.length };
    this.known.set(commandId, positions);
    return { status: 'ok', ...positions, repeated: false };
  }
}

it('answers and stores what the model does', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(histories, async (batches) => {
      run += 1;
      // Aggregates and commands of this run alone.
      const own = (text: string) => `${String(run)}-${text}`;
      const start = await headPosition(database.db);
      const model = new Model(start);
      for (const batch of batches) {
        const given: Command<TestEvents>[] = batch.map((command) => ({
          commandId: own(command.commandId),
          events: command.events.map((event) => ({
            ...event,
            aggregateId: own(event.aggregateId),
            type: 'changed',
            payload: { by: own(command.commandId) },
          })),
        }));
        const outcomes = await callAppend(
          database.db,
          given.map((command) => encodeCommand(command, undefined, testEvents)),
        );
        expect(outcomes).toEqual(given.map((command) => model.append(command)));
      }
      const stored = await readLog(database.db, { after: start, limit: 1_000 });
      expect(stored.map((event) => event.position)).toEqual(stored.map((_, index) => start + 1 + index));
      expect(
        stored.map((event) => `${event.aggregateType}/${event.aggregateId}@${String(event.version)} ${String(event.payload['by'])}`),
      ).toEqual(model.log);
      expect(await headPosition(database.db)).toBe(start + model.log.length);
    }),
    { numRuns: 150 },
  );
}, 60_000);
