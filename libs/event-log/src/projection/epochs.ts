/**
 * A projection's epochs over their life: the first one is made and serves; a later one is filled beside it, serves from
 * one transaction to the next, and the tables of the one before are dropped. All of it is under the projection's lock,
 * in transactions that change tables and records together: whoever dies in between leaves it to the next to go on.
 */
import type { Database, Transaction } from '@fairlead/postgres';
import type { ProjectionDefinition } from './define.js';
import { readParts } from './page.js';
import { applyPage, partsOptions } from './runner.js';

export interface Epoch {
  epoch: number;
  version: number;
  parts: number;
  serving: boolean;
  retired: boolean;
  tables: string[];
}

/** A swap: reads went from one epoch to another, which had everything up to a position. */
export interface Swap {
  epoch: number;
  previousEpoch: number;
  position: number;
}

/** How far an epoch may be behind for the rest to be applied within the swap, while the one that serves stands still. */
const swapWithin = 1_000;
/** Readers and workers wait for whoever changes tables for so long at most; then it is tried again. */
const lockTimeout = `set local lock_timeout = '500ms'`;

/** All epochs of a projection, the given-up ones too. */
export function readEpochs(sql: Pick<Transaction, 'query'>, name: string): Promise<Epoch[]> {
  return sql.query<Epoch>(
    'select epoch, version, parts, serving, retired, tables from log.projection_epoch where name = $1 order by epoch',
    [name],
  );
}

/**
 * Makes a projection known, with an epoch that serves. One that serves an earlier version gets an epoch of this version
 * beside it; what was filled of an earlier version is given up.
 */
export async function openEpochs(db: Database, definition: ProjectionDefinition): Promise<void> {
  await underLock(db, definition.name, async (tx) => {
    const epochs = await readEpochs(tx, definition.name);
    const serving = epochs.find((epoch) => epoch.serving);
    const filling = epochs.find(isFilling);
    if (serving === undefined) {
      const epoch = await addEpoch(tx, definition);
      await serveTables(tx, Object.keys(definition.tables), epoch);
      return;
    }
    if (serving.version >= definition.version || (filling?.version ?? 0) >= definition.version) return;
    if (filling !== undefined) await tx.query('select log.retire_epoch($1, $2)', [definition.name, filling.epoch]);
    await addEpoch(tx, definition);
  });
}

/** Begins the epoch that an operator has asked for, unless another worker has. */
export async function beginRequested(db: Database, definition: ProjectionDefinition): Promise<void> {
  await underLock(db, definition.name, async (tx) => {
    const epochs = await readEpochs(tx, definition.name);
    const [row] = await tx.query<{ requested: boolean }>(
      'select rebuild_requested_at is not null as requested from log.projection_control where name = $1',
      [definition.name],
    );
    // A worker of an earlier release leaves it to one that knows the version that serves.
    const known = epochs.some((epoch) => epoch.serving && epoch.version <= definition.version);
    if (row?.requested === true && known && !epochs.some(isFilling)) await addEpoch(tx, definition);
  });
}

export const isFilling = ({ serving, retired }: Epoch): boolean => !serving && !retired;

async function addEpoch(tx: Transaction, definition: ProjectionDefinition): Promise<number> {
  const { name, version, partitions, tables } = definition;
  const params = [name, version, partitions, Object.keys(tables)];
  const [row] = await tx.query<{ epoch: number }>('select log.add_epoch($1, $2, $3, $4::text[]) as epoch', params);
  if (row === undefined) throw new Error('an epoch that was added has a number');
  for (const [table, shape] of Object.entries(tables)) await tx.query('select make_epoch_table($1, $2, $3)', [table, row.epoch, shape]);
  return row.epoch;
}

async function serveTables(tx: Transaction, tables: readonly string[], epoch: number | null): Promise<void> {
  for (const table of tables) await tx.query('select serve_epoch_table($1, $2)', [table, epoch]);
}

/**
 * Has reads go to the epoch that was filled, when it is near enough: holds all parts, applies what is left of the log up
 * to where the epoch before has come, and moves the views, in one transaction. It does not wait for the log's head, which
 * appenders may hold for long, while readers wait for the views. Answers whether it did.
 */
export async function swapWhenLevel(db: Database, definition: ProjectionDefinition): Promise<boolean> {
  const { name } = definition;
  const near = await findNear(db, definition);
  if (near === undefined) return false;
  await db.query('select log.epoch_is_level($1, $2)', [name, near]);
  return underLock(db, name, async (tx) => {
    const epochs = await readEpochs(tx, name);
    const filling = epochs.find((epoch) => isFilling(epoch) && epoch.version === definition.version);
    if (filling === undefined) return false;
    await catchUp(tx, definition, filling);
    const [row] = await tx.query<{ swapped: boolean }>('select log.swap_epoch($1, $2) as swapped', [name, filling.epoch]);
    if (row?.swapped !== true) return false;
    const previous = epochs.find((epoch) => epoch.serving);
    const before = previous?.tables ?? [];
    await serveTables(
      tx,
      before.filter((table) => !filling.tables.includes(table)),
      null,
    );
    await serveTables(tx, filling.tables, filling.epoch);
    return true;
  });
}

/**
 * Tells of swaps that nobody was told of yet. Each stays to be told until `onSwapped` has returned, and may be told again
 * when the process dies just then.
 */
export async function tellSwaps(db: Database, { name }: ProjectionDefinition, onSwapped: (swap: Swap) => Promise<void>): Promise<void> {
  const swaps = await db.query<Swap>(
    `select epoch, untold_previous as "previousEpoch", swapped_position as position
       from log.projection_epoch where name = $1 and untold_previous is not null order by epoch`,
    [name],
  );
  for (const swap of swaps) {
    await onSwapped(swap);
    await db.query('select log.swap_was_told($1, $2)', [name, swap.epoch]);
  }
}

/** The epoch that may be swapped in. Asked without a lock, so that nobody waits for a swap that is not due. */
async function findNear(db: Database, { name, version }: ProjectionDefinition): Promise<number | undefined> {
  const [row] = await db.query<{ epoch: number; near: boolean }>(
    `select filling.epoch, filling.version = $2 and filling.stopped_position is null and not filling.paused
         and filling.position + $3 >= (select max(position) from log.projection_part part where part.name = serving.name and part.epoch = serving.epoch) as near
       from log.projection serving join log.projection filling using (name)
       where name = $1 and serving.serving and not filling.serving and not filling.retired`,
    [name, version, swapWithin],
  );
  return row?.near === true ? row.epoch : undefined;
}

/** Applies what an epoch has not, up to where the one that serves has come. */
async function catchUp(tx: Transaction, definition: ProjectionDefinition, { epoch, parts }: Epoch): Promise<void> {
  const locked = await tx.query<{ epoch: number; part: number; at: number; skip: number | null; serving: boolean }>(
    'select epoch, part, at, skip, serving from log.lock_parts($1)',
    [definition.name],
  );
  const until = Math.max(...locked.filter((part) => part.serving).map((part) => part.at));
  for (const { part, at, skip } of locked.filter((each) => each.epoch === epoch)) {
    for (let after = at; after < until;) {
      const page = await readParts(tx, { ...partsOptions(definition, { mine: [part], of: parts }, swapWithin), after, until });
      await applyPage(tx, { definition, epoch }, { mine: [part], at: after, skips: skip === null ? [] : [skip] }, page);
      after = page.until;
    }
  }
}

/** Drops the tables of epochs that were given up. Throws when readers hold one up; call it again. */
export async function dropRetired(db: Database, definition: ProjectionDefinition): Promise<number[]> {
  const { name } = definition;
  const retired = (await readEpochs(db, name)).filter((epoch) => epoch.retired);
  const dropped: number[] = [];
  for (const { epoch, tables } of retired) {
    await underLock(db, name, async (tx) => {
      const [row] = await tx.query<{ dropped: boolean }>('select log.drop_epoch($1, $2) as dropped', [name, epoch]);
      if (row?.dropped !== true) return;
      // An epoch of a release that kept no list of them has the tables of the first version.
      const known = new Set([...tables, ...Object.keys(definition.tables)]);
      for (const table of known) await tx.query('select drop_epoch_table($1, $2)', [table, epoch]);
      dropped.push(epoch);
    });
  }
  return dropped;
}

/** Runs work alone among all workers of a projection, and waits for nobody for long. */
function underLock<T>(db: Database, name: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.query(lockTimeout);
    await tx.query('select log.lock_projection($1)', [name]);
    return work(tx);
  });
}
