/** A varied life of a whole stack: every effect that is found somewhere is in the audit trail, and a trail that lacks one is found out. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventCatalogue } from '@fairlead/contracts';
import { eventually } from '@fairlead/testing';
import { nameOf, readAllEffects, untold, type Effect, type TrailRow } from './support/effects.js';
import { History } from './support/history.js';
import { Operator } from './support/operator.js';
import { openStackDatabaseAsAdmin } from './support/stack-database.js';
import { messagingOf } from './support/world-state.js';

/** What rows of these tell of is in no table, bucket or ledger that stays: what was looked at, what others keep, what was seen, streams that age, the log itself. */
const withoutEffect = ['data_table', 'sensitive_read', 'iam_change', 'endpoint', 'dead_letter', 'projection', 'event_log'];

let history: History;
let effects: Effect[];
let trail: TrailRow[];

beforeAll(async () => {
  history = await History.start();
  await history.happen();
  const { stack } = history;
  const admin = await openStackDatabaseAsAdmin(stack.stateDir, 'audit');
  const messaging = await messagingOf(stack);
  try {
    effects = await readAllEffects(stack, admin, messaging);
  } finally {
    await messaging.close();
    await admin.close();
  }
  trail = await readTrail(await Operator.login(stack.url, stack.simUrl, stack.firstAdmin()));
}, 300_000);

afterAll(() => history.stop(), 60_000);

/** The whole trail, oldest first. */
async function readTrail(reader: Operator): Promise<TrailRow[]> {
  const head = (await history.rows()).length;
  interface Page {
    items: TrailRow[];
    next_cursor: string | null;
  }
  const rows: TrailRow[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? `&wait_for=${String(head)}` : `&cursor=${cursor}`;
    const { body }: { body: Page } = await eventually(
      async () => {
        const answer = await reader.get<Page>(`/admin/v1/audit?limit=200${after}`);
        return answer.status === 200 ? answer : undefined;
      },
      { timeoutMs: 30_000, what: 'a page of the trail' },
    );
    rows.push(...body.items);
    cursor = body.next_cursor;
  }
  return rows.reverse();
}

it('the trail has one row for each event', () => {
  expect(trail.map(({ position }) => position)).toEqual(trail.map((_, index) => index + 1));
});

it('tells of every effect at the fleet, in KV and in the databases, but of what did not come from here', () => {
  expect(effects.length).toBeGreaterThan(200);
  // Somebody went to a shard's own API, which the history does to have a command refused.
  expect(untold(effects, trail)).toEqual([expect.stringMatching(/^ledgers: resume of .* under from-elsewhere$/)]);
});

it('has no sort of event that no effect is looked for of', () => {
  const sortsTold = new Set(trail.filter((row) => effects.some((effect) => effect.about(row))).map(({ action }) => action.split('.')[0]));
  expect(Object.keys(eventCatalogue).filter((sort) => !sortsTold.has(sort))).toEqual(withoutEffect);
});

it('does not tell of an effect any more once its rows are taken from a copy', () => {
  const sources = [...new Set(effects.map(({ source }) => source))];
  expect(sources).toContain('ledgers');
  expect(sources).toContain('KV_PLACEMENT');
  expect(sources.length).toBeGreaterThan(12);
  const known = untold(effects, trail);
  for (const source of sources) {
    const effect = effects.find((one) => one.source === source && !known.includes(nameOf(one)));
    if (effect === undefined) throw new Error(`nothing is told of ${source}`);
    const copy = trail.filter((row) => !effect.about(row));
    expect(untold(effects, copy)).toContain(nameOf(effect));
  }
});

it('names who acted, in which request, and holds no secret', () => {
  const nameless = trail.filter(({ principal, request_id: request, correlation_id: correlation, action }) => {
    const isSomebody = /^(user:usr_|service:|anonymous$|system$)/.test(principal);
    return !isSomebody || (principal.startsWith('user:') && (request === null || correlation === null)) || action === '';
  });
  expect(nameless).toEqual([]);
  const text = JSON.stringify(trail);
  for (const secret of history.secrets()) expect(text.includes(secret)).toBe(false);
});
