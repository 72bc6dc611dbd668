/**
 * A worker of a projection: looks every second what epochs there are, works on those of its own version, begins a rebuild
 * that was asked for, swaps when it is done, and drops what is left. Any number of workers share all of that; none is in
 * charge.
 */
import { describeError } from '@fairlead/contracts';
import type { Messaging } from '@fairlead/messaging';
import type { Database } from '@fairlead/postgres';
import type { Logger, Registry } from '@fairlead/telemetry';
import { Bell } from '../bell.js';
import { projectionMetrics } from '../metrics.js';
import { listProjections } from './control.js';
import type { ProjectionDefinition } from './define.js';
import { beginRequested, dropRetired, openEpochs, readEpochs, swapWhenLevel, tellSwaps, type Epoch, type Swap } from './epochs.js';
import { startRunner, type Runner } from './runner.js';

export interface ProjectionOptions {
  definition: ProjectionDefinition;
  /** Of the service that the tables belong to. */
  db: Database;
  messaging?: Messaging;
  logger: Logger;
  registry?: Registry;
  /** Positions in one transaction at most; 2,000 unless said otherwise. A rebuild takes four times as many at once. */
  pageSize?: number;
  /** How long a worker without news waits before it looks for events, in milliseconds. */
  pollMs?: number;
  /**
   * Called once reads go to another epoch, by some worker: again and again until it does not throw, and once more when the
   * process dies just then.
   */
  onSwapped?(swap: Swap): Promise<void>;
  /** Parts that this worker works on at once, when it has much to do; 2 unless said otherwise. */
  concurrency?: number;
}

export interface Projection {
  /** Ends after the pages at hand. */
  stop(): Promise<void>;
}

/** Pages of an epoch that is being filled are larger: what changes often is written less often. */
const fillingFactor = 4;
/** How often a worker looks what there is to do besides events. */
const lookMs = 1_000;

/** Starts a worker. It rides out outages; a projection that has stopped or is paused shows in listProjections and the gauges. */
export function startProjection(options: ProjectionOptions): Projection {
  const { definition, db, messaging, pageSize = 2_000, pollMs = 250, concurrency = 2 } = options;
  const { name } = definition;
  const logger = options.logger.child({ projection: name });
  const metrics = projectionMetrics(options.registry, name);
  const aborter = new AbortController();
  const { signal } = aborter;
  const bell = new Bell();
  const runners = new Map<number, Runner>();
  let opened = false;

  async function look(): Promise<void> {
    if (!opened) await openEpochs(db, definition);
    opened = true;
    await keepRunners();
    const [state] = await listProjections(db, name);
    if (state === undefined) return;
    metrics(state);
    if (state.rebuildRequested) {
      await beginRequested(db, definition);
      await keepRunners();
    }
    if (await swapWhenLevel(db, definition)) {
      logger.info('the projection was rebuilt; reads go to the new epoch');
      await keepRunners();
    }
    await tellSwaps(db, definition, async (swap) => options.onSwapped?.(swap));
    const dropped = await dropRetired(db, definition);
    if (dropped.length > 0) logger.info({ epochs: dropped }, 'tables of epochs that nobody reads were dropped');
  }

  /** Starts runners of epochs that there are, ends those of epochs that there are no more. */
  async function keepRunners(): Promise<void> {
    const epochs = (await readEpochs(db, name)).filter((epoch) => epoch.version === definition.version && !epoch.retired);
    const gone = [...runners].filter(([number]) => !epochs.some(({ epoch }) => epoch === number));
    for (const [number, runner] of gone) {
      await runner.stop();
      runners.delete(number);
    }
    for (const epoch of epochs) if (!runners.has(epoch.epoch)) runners.set(epoch.epoch, runnerOf(epoch));
  }

  function runnerOf({ epoch, parts, serving }: Epoch): Runner {
    if (!serving) logger.info({ epoch }, 'the projection is being rebuilt');
    const onPage = (position: number, left: number) => {
      messaging?.publishCore(messaging.topology.subjects.checkpointPoke, { name, position });
      // A rebuild that is level is swapped at once.
      if (!serving && left === 0) bell.ring();
    };
    const positions = serving ? pageSize : pageSize * fillingFactor;
    return startRunner({ definition, epoch, parts, db, messaging, logger, pageSize: positions, pollMs, concurrency, onPage });
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await look();
      } catch (error) {
        logger.warn({ reason: describeError(error) }, 'the state of the projection could not be kept; going on');
      }
      await bell.wait(lookMs, signal);
    }
    await Promise.all([...runners.values()].map((runner) => runner.stop()));
  }

  const running = run();
  return {
    stop: async () => {
      aborter.abort();
      await running;
    },
  };
}
