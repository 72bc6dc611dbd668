/** Old histories, read by this release: every event in the version of now, and what is made of it as it was agreed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventCatalogue, type EventCatalogue } from '@fairlead/contracts';
import { decodeEvent, type StoredEvent } from '@fairlead/event-log';
import { fold } from '../../apps/audit/src/projections/aggregate-summary/evolve.js';
import { recordOf } from '../../apps/audit/src/projections/audit-record/evolve.js';
import { folder, misfits, nameOf, readHistories, typesOf, unrecorded } from './support/histories.js';

const catalogue: EventCatalogue = eventCatalogue;
const histories = readHistories();

/** What readers make of an event: its place, who may be told of it, its line of the trail, and its payload where versions have changed it. */
function told(event: StoredEvent): string {
  const { payload, schemaVersion } = decodeEvent(event);
  const aggregate = catalogue[event.aggregateType];
  const audience = {
    permission: aggregate?.permission,
    tenant: aggregate?.tenantOf?.({ ...event, payload }),
    node: aggregate?.nodeOf?.({ ...event, payload }),
  };
  const { position, time, details, ...record } = recordOf(event);
  expect([position, time]).toEqual([event.position, event.recordedAt]);
  const kept = Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));
  const changed = schemaVersion === event.schemaVersion ? '' : ` ${JSON.stringify(payload)}`;
  const cut = JSON.stringify(details) === JSON.stringify(event.payload) ? '' : ` ${JSON.stringify(details)}`;
  const name = `${event.aggregateType}/${event.aggregateId}@${String(event.version)}`;
  return `${String(position)} ${name} v${String(schemaVersion)} ${JSON.stringify(audience)} ${JSON.stringify(kept)}${changed}${cut}`;
}

/** Each aggregate as its events left it. */
function aggregates(events: readonly StoredEvent[]): string[] {
  return [...fold(new Map(), events)].map(([key, summary]) => `${key} ${JSON.stringify(summary)}`).sort();
}

/** Compares with golden/<name>.txt; UPDATE_GOLDEN=1 writes it. */
function expectGolden(name: string, lines: readonly string[]): void {
  const file = join(folder, 'golden', `${name}.txt`);
  const text = `${lines.join('\n')}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}`);
}

describe.each(histories)('$name', ({ name, text, events }) => {
  it('has its events in order: no position and no version of an aggregate is missing, and time never falls', () => {
    const versions = new Map<string, number>();
    for (const [index, event] of events.entries()) {
      const key = `${event.aggregateType}/${event.aggregateId}`;
      const version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      expect([event.position, key, event.version]).toEqual([index + 1, key, version]);
      expect(event.recordedAt.getTime()).toBeGreaterThanOrEqual(events[index - 1]?.recordedAt.getTime() ?? 0);
    }
  });

  it('fits the schemas of the versions that it was written in, to the last field', () => {
    for (const event of events) expect([event, misfits(event)]).toEqual([event, undefined]);
  });

  it('can be read to its end, and means what it meant', () => {
    expectGolden(name, [...aggregates(events), ...events.map(told)]);
  });

  it('holds nobody’s address and no secret', () => {
    for (const [address] of text.matchAll(/[\w.+-]+@[\w-]+\.[\w.-]+/g)) expect(address).toMatch(/@example\.test$/);
    expect(text).not.toMatch(/"[^"]*(password|secret|private_key|credential|hash)[^"]*":|eyJ[\w-]+\.|flt_[0-9a-f]{32}_|\$(scrypt|argon2)/i);
    expect(text).not.toMatch(/(?:^|[^\w-])[\w-]{43}(?:$|[^\w-])/m);
  });
});

describe('the histories', () => {
  const types = typesOf(eventCatalogue);

  it('hold an event of every type, or it is said why not', () => {
    const recorded = new Set(histories.filter(({ byHand }) => !byHand).flatMap(({ events }) => events.map(nameOf)));
    // A type that is new: record a history with it, or say in support/histories.ts why none can be.
    expect(types.filter((type) => !recorded.has(type) && !(type in unrecorded))).toEqual([]);
    // Once recorded it needs no excuse.
    expect(Object.keys(unrecorded).filter((type) => recorded.has(type) || !types.includes(type))).toEqual([]);
  });

  it('hold what is not recorded as it was made by hand', () => {
    const byHand = new Set(histories.filter((history) => history.byHand).flatMap(({ events }) => events.map(nameOf)));
    expect(Object.keys(unrecorded).filter((type) => !byHand.has(type))).toEqual([]);
  });
});

describe('the catalogue', () => {
  it('has one upcaster less than schemas, and names that can be parts of a subject', () => {
    for (const [aggregateType, { types }] of Object.entries(catalogue)) {
      expect(aggregateType).toMatch(/^[a-z][a-z_]*$/);
      for (const [type, { schemas, upcasters }] of Object.entries(types)) {
        expect(type).toMatch(/^[a-z][a-z_]*$/);
        expect([aggregateType, type, upcasters.length]).toEqual([aggregateType, type, schemas.length - 1]);
      }
    }
  });
});
