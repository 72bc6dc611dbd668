import type { Command } from 'commander';
import type { Api } from '../api.js';
import type { Run } from '../context.js';

/** `fairlead webhook replay` */
export function webhookReplay(parent: Command, run: Run): void {
  parent
    .command('replay <id> [delivery]')
    .description('make a delivery of a webhook again; without one, all that are dead')
    .action((id: string, delivery: string | undefined, _options: object, command: Command) =>
      run(command, async ({ api, print }) => {
        const gateway = api();
        const again = delivery === undefined ? await deadOf(gateway, id) : [delivery];
        for (const one of again) await gateway.replayDelivery(id, one);
        print({ replayed: again }, () => `${String(again.length)} deliveries are made again\n`);
      }),
    );
}

/** All deliveries of a webhook that are not tried any more, looked up before the first is made again. */
async function deadOf(api: Api, id: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.deliveries(id, { status: 'dead', limit: 200, cursor });
    for (const { delivery_id: delivery } of page.items) if (delivery != null) found.push(delivery);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}
