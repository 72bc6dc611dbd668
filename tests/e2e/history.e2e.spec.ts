/**
 * A life of the whole stack, as `node tools/history.mjs` records it: what it leaves in the log is what the catalogue says,
 * and holds no secret.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventCatalogue } from '@fairlead/contracts';
import { History } from './support/history.js';
import { misfits, storedEvent, typesOf, unrecorded } from '../histories/support/histories.js';

/** Told only where an undo is tried again on the spot: else what came before tells that it begins. */
const seldom = ['job.step_undo_started'];

let history: History;
let rows: Record<string, unknown>[];

beforeAll(async () => {
  history = await History.start();
}, 180_000);

afterAll(() => history.stop(), 60_000);

it('happens, and every sort of event comes about that can be made to', async () => {
  await history.happen();
  rows = await history.rows();
  const file = process.env['FAIRLEAD_HISTORY'];
  if (file !== undefined) writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const told = new Set(rows.map((row) => `${String(row['aggregate_type'])}.${String(row['type'])}`));
  expect(typesOf(eventCatalogue).filter((type) => !told.has(type) && !(type in unrecorded) && !seldom.includes(type))).toEqual([]);
}, 300_000);

it('leaves events that are what the catalogue says, to the last field', () => {
  for (const row of rows) expect([row, misfits(storedEvent(row))]).toEqual([row, undefined]);
});

it('leaves no secret in an event', () => {
  const text = JSON.stringify(rows);
  for (const secret of history.secrets()) expect(text.includes(secret)).toBe(false);
});
