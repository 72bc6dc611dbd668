/** What it costs to wake readers: our poke after the commit beside NOTIFY within the transaction. */
import pg from 'pg';
import { compare, type Row } from '../figures.js';
import type { BenchRun } from '../run.js';
import { query, rateOf } from './appends.js';
import { inProcesses } from './processes.js';
import { clusterOf, startBus } from './servers.js';

const appenders = 64;
const processes = 4;

/** As a log that notifies does it: in the transaction that appends, whoever appends. */
const notify = `create function notify_readers() returns trigger language plpgsql as $$ begin perform pg_notify('log', new.position::text); return null; end $$;
create trigger notify_readers after update on log.head for each row execute function notify_readers()`;

/** The part `notification`. */
export async function measureNotification(run: BenchRun): Promise<Row[]> {
  const cluster = await clusterOf(run);
  const nats = await startBus(run, 'notification-nats');
  const silent = await cluster.eventLog('silent');
  const poked = await cluster.eventLog('poked');
  const notified = await cluster.eventLog('notified');
  await query(notified.adminUrl, notify);
  const listener = new pg.Client({ connectionString: notified.url });
  await listener.connect();
  let heard = 0;
  listener.on('notification', () => {
    heard += 1;
  });
  await listener.query('listen log');
  const ways = { silent: { url: silent.url }, poke: { url: poked.url, natsUrl: nats.url }, notify: { url: notified.url } };
  const rates: Record<keyof typeof ways, number[]> = { silent: [], poke: [], notify: [] };
  const names = ['silent', 'poke', 'notify'] as const;
  for (let round = 0; round < (run.quick ? 1 : 5); round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const way = names[(round + turn) % names.length] ?? 'silent';
      const list = Array.from({ length: processes }, (_, n) => ({
        store: 'ours' as const,
        ...ways[way],
        appenders: appenders / processes,
        label: `${way}r${String(round)}p${String(n)}`,
        ms: run.quick ? 400 : 2_000,
      }));
      rates[way].push(rateOf(await inProcesses('append', list)));
      run.log(`  ${way.padEnd(8)} ${(rates[way].at(-1) ?? 0).toFixed(0)} /s`);
    }
  }
  await listener.end();
  if (heard === 0) throw new Error('nobody was notified');
  const metric = `appends, ${String(appenders)} appenders in ${String(processes)} processes, readers woken`;
  return [
    compare({ metric, unit: '/s', ours: rates.poke, peer: rates.notify, peerName: 'NOTIFY in the transaction' }),
    compare({ metric, unit: '/s', ours: rates.poke, peer: rates.silent, peerName: 'nobody woken' }),
  ];
}
