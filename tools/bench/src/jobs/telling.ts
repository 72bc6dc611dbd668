/** The two ends of an event of a step: who runs jobs at a steady pace, and who is told, each in a process of its own. */
import { setTimeout as pause } from 'node:timers/promises';
import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import type { Bus } from '../log/bus.js';
import { readChanges } from '../log/reading.js';
import { nowMs } from '../log/watching.js';
import { configureDbos, openDbos } from './engines/dbos.js';
import type { Handle, JobEngine } from './engines/engine.js';
import { openOurs } from './engines/ours.js';
import { steps } from './ledger.js';
import { until } from './waiting.js';

/** What was committed or seen, and when, on the machine's monotonic clock in milliseconds. */
export type Moments<Key> = [Key, number][];

export interface PacedOptions {
  /** Ours, on a control plane's database and bus. */
  ours?: { url: string; bus: Bus };
  /** DBOS, on a database. */
  dbos?: { url: string };
  /** By caller, what it starts one after the other. */
  jobs: readonly (readonly string[])[];
  /** How long each step takes. */
  stepMs: number;
}

/** The stream that DBOS's steps are told in. */
const streamKey = 'steps';

/**
 * Runs jobs; answers the commits: of ours each by the last position that it gave to the log, of DBOS each by job and step, when the step's word was
 * written to its stream.
 */
export async function preparePaced({ ours, dbos, jobs, stepMs }: PacedOptions): Promise<() => Promise<Moments<number | string>>> {
  const committed: Moments<number | string> = [];
  const ended = new Map<string, () => void>();
  const handle: Handle = async ({ job }, step) => {
    await pause(stepMs);
    if (step === steps - 1) ended.get(job)?.();
  };
  const options = { adminUrl: dbos?.url ?? '', url: '', handle, concurrency: jobs.length };
  let engine: JobEngine;
  if (ours !== undefined) {
    const onAppended = (position: number) => committed.push([position, nowMs()]);
    engine = await openOurs({ ...options, ...ours, onAppended });
  } else {
    engine = await openDbos({
      ...options,
      onStep: async ({ job }, step) => {
        await DBOS.writeStream(streamKey, step);
        committed.push([`${job}/${String(step)}`, nowMs()]);
      },
    });
  }
  return async () => {
    const run = async (names: readonly string[], caller: number) => {
      for (const job of names) {
        const start = await engine.prepare({ job, tenant: `tenant-${String(caller)}` });
        const { promise, resolve } = Promise.withResolvers<undefined>();
        ended.set(job, () => {
          resolve(undefined);
        });
        await start();
        await promise;
      }
    };
    await Promise.all(jobs.map(run));
    await until('all jobs have ended', async () => (await engine.open()) === 0);
    return committed;
  };
}

export interface ChangesOptions {
  changes: string;
  token: string;
  count: number;
}

/** Reads so many changes from a gateway; answers their positions. */
export async function prepareChanges({ count, ...from }: ChangesOptions): Promise<() => Promise<Moments<number>>> {
  const seen: Moments<number> = [];
  const { promise, resolve, reject } = Promise.withResolvers<Moments<number>>();
  await readChanges(
    from,
    (frame) => {
      const at = nowMs();
      const data = frame.split('\n').find((line) => line.startsWith('data: ')) ?? 'data: {}';
      const { position } = JSON.parse(data.slice('data: '.length)) as { position: number };
      seen.push([position, at]);
      if (seen.length === count) resolve(seen);
    },
    reject,
  );
  return () => promise;
}

export interface StreamsOptions {
  url: string;
  jobs: readonly (readonly string[])[];
  /** In a process with DBOS launched, which Postgres notifies; else by its client, which polls. */
  launched: boolean;
}

/** Reads the streams of DBOS's jobs, each from the moment that the job is there; answers job and step. */
export async function prepareStreams({ url, jobs, launched }: StreamsOptions): Promise<() => Promise<Moments<string>>> {
  const seen: Moments<string> = [];
  let source: Pick<DBOSClient, 'readStream'>;
  if (launched) {
    configureDbos(url, 'reader');
    await DBOS.launch();
    source = DBOS;
  } else {
    source = await DBOSClient.create({ systemDatabaseUrl: url });
  }
  const read = async (job: string): Promise<void> => {
    try {
      for await (const step of source.readStream<number>(job, streamKey)) seen.push([`${job}/${String(step)}`, nowMs()]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('does not exist')) throw error;
      await pause(20);
      await read(job);
    }
  };
  return async () => {
    await Promise.all(
      jobs.map(async (names) => {
        for (const name of names) await read(name);
      }),
    );
    return seen;
  };
}
