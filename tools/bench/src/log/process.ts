/** What `inProcesses` starts: prepares with the first message, measures at the second. */
import { once } from 'node:events';
import { prepareAnnounce, type AnnounceOptions } from './announcing.js';
import { prepareAppending, type AppendingOptions } from './appending.js';
import { prepareRead, type ReadOptions } from './reading.js';
import { preparePace, prepareRelay, prepareWatch, type PaceOptions, type RelayOptions, type WatchOptions } from './watching.js';
import type { FromProcess, JobName } from './processes.js';

const preparations: Readonly<Record<JobName, (options: never) => Promise<() => Promise<unknown>>>> = {
  announce: (options: AnnounceOptions) => prepareAnnounce(options),
  append: (options: AppendingOptions) => prepareAppending(options),
  read: (options: ReadOptions) => prepareRead(options),
  pace: (options: PaceOptions) => preparePace(options),
  relay: (options: RelayOptions) => prepareRelay(options),
  watch: (options: WatchOptions) => prepareWatch(options),
};

const answer = (message: FromProcess) => process.send?.(message);

async function main(name: JobName): Promise<void> {
  const [options] = (await once(process, 'message')) as [never];
  const measure = await preparations[name](options);
  const told = once(process, 'message');
  answer({ ready: true });
  await told;
  answer({ result: await measure() });
}

main(process.argv[2] as JobName).catch((error: unknown) => {
  answer({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
});
