import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { Run } from '../context.js';
import { jsonObject } from '../options.js';

interface CreateOptions {
  readonly kind: string;
  readonly params: Record<string, unknown>;
  readonly cron: string;
  readonly timeZone: string;
  readonly missed: 'skip' | 'once';
  readonly reason: string;
  readonly idempotencyKey?: string;
}

/** `fairlead schedule create` */
export function scheduleCreate(parent: Command, run: Run): void {
  parent
    .command('create <name>')
    .description('have a job started by the clock, as you; each turn is planned anew')
    .requiredOption('--kind <kind>', 'the kind of job, such as reload')
    .requiredOption('--params <json>', "its parameters, as a plan's params show them", jsonObject)
    .requiredOption('--cron <expression>', 'when: minute, hour, day of the month, month, day of the week')
    .option('--time-zone <name>', 'in which the times are, such as Europe/Berlin', 'UTC')
    .addOption(
      new Option('--missed <what>', 'what becomes of turns that nobody could take: left out, or made up for by one job')
        .choices(['skip', 'once'])
        .default('once'),
    )
    .requiredOption('--reason <text>', 'why; kept with each job and in the audit trail')
    .option('--idempotency-key <key>', 'repeat an earlier attempt, within 24 hours: the same key makes no second one')
    .addHelpText(
      'after',
      `\nExample:\n  fairlead schedule create nightly-reload --kind reload --params '{"kind":"gateway","shard":"gateway-1"}' --cron "0 3 * * *" --reason "new certificates"\n`,
    )
    .action((name: string, { timeZone, ...options }: CreateOptions, command: Command) =>
      run(command, async ({ api, print }) => {
        const { kind, params, cron, missed, reason, idempotencyKey = randomUUID() } = options;
        const body = { name, kind, params, cron, time_zone: timeZone, missed, reason };
        const schedule = await api().createSchedule(body, idempotencyKey);
        print(schedule, () => `schedule ${name} is made; its first turn is at ${schedule.next_at ?? '-'}\n`);
      }),
    );
}
