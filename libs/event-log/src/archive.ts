import { adminClient, type AdminAccess } from '@fairlead/postgres';

export interface ArchiveOptions {
  /** An existing tablespace, on the storage where old events are to lie. */
  readonly tablespace: string;
  /** Full partitions that stay where they are, the newest ones. */
  readonly keep: number;
  /** Told of each partition that was moved. */
  readonly onMoved?: (partition: string) => void;
}

/** What a partition holds, in two numbers: its rows, and a sum over what they say. */
interface Content {
  readonly rows: string;
  readonly digest: string;
}

/**
 * Moves the log's full partitions, but for the newest, to another tablespace, the oldest first, each in a transaction
 * of its own; answers the names of those that were moved. Safe to repeat and to interrupt. The partition that events
 * are appended to and those made ahead never move. Reads each before it is locked and after it is free again, and throws
 * when it reads otherwise.
 */
export async function archivePartitions(access: AdminAccess, options: ArchiveOptions): Promise<string[]> {
  if (!Number.isSafeInteger(options.keep) || options.keep < 0) throw new Error('how many partitions stay is a whole number from 0 on');
  const client = await adminClient(access);
  const moved: string[] = [];
  const contentOf = async (partition: string): Promise<Content> => {
    const { rows } = await client.query<Content>(
      `select count(*)::text as rows, coalesce(sum(hashtextextended(e::text, 0)), 0)::text as digest from log.${client.escapeIdentifier(partition)} e`,
    );
    return rows[0] ?? { rows: '', digest: '' };
  };
  try {
    const { rows } = await client.query<{ name: string }>(
      `select name from (select name, first_position, tablespace, row_number() over (order by first_position desc) as nth from log.partitions where sealed) p
         where nth > $1 and tablespace <> $2 order by first_position`,
      [options.keep, options.tablespace],
    );
    for (const { name } of rows) {
      // Also for its size, which is not measured while it is locked.
      await client.query(`vacuum (analyze) log.${client.escapeIdentifier(name)}`);
      const before = await contentOf(name);
      const answer = await client.query<{ moved: boolean }>('select log.archive_partition($1, $2) as moved', [name, options.tablespace]);
      if (answer.rows[0]?.moved !== true) continue;
      const after = await contentOf(name);
      if (before.rows !== after.rows || before.digest !== after.digest)
        throw new Error(`partition ${name} reads otherwise since it was moved`);
      moved.push(name);
      options.onMoved?.(name);
    }
    return moved;
  } finally {
    await client.end();
  }
}
