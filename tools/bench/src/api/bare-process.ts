/** The process of the peer: is told its options, tells its URL, and serves until whoever started it has gone. */
import { once } from 'node:events';
import { startBare, type BareOptions } from './bare.js';

process.once('disconnect', () => process.exit());
const [options] = (await once(process, 'message')) as [BareOptions];
const { url } = await startBare(options);
process.send?.({ url });
