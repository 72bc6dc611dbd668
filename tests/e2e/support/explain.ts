/** What Postgres did for statements that functions run, as auto_explain tells it. */
import { adminClient } from '@fairlead/postgres';

/** One look at a table. */
export interface Look {
  readonly table: string;
  readonly index: string | undefined;
  /** Rows that were read and not wanted. */
  readonly removed: number;
  /** The planner had nothing better than what it was told not to use. */
  readonly disabled: boolean;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Rows Removed by Filter'?: number;
  readonly Disabled?: boolean;
  readonly Plans?: readonly PlanNode[];
}

// A bitmap's index is told by the node below it.
const looks = ['Seq Scan', 'Index Scan', 'Index Only Scan', 'Bitmap Index Scan', 'Tid Scan'];

/** The looks at tables that statements took, those within functions included; nothing of what they did stays. */
export async function looksOf(
  admin: { adminUrl: string; adminPassword: string; database: string },
  statements: readonly { text: string; params?: readonly unknown[] }[],
): Promise<Look[]> {
  const client = await adminClient(admin);
  const found: Look[] = [];
  try {
    await client.query(`load 'auto_explain'`);
    for (const [name, value] of Object.entries({
      'auto_explain.log_min_duration': '0',
      'auto_explain.log_nested_statements': 'on',
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_format': 'json',
      'auto_explain.log_level': 'notice',
    }))
      await client.query('select set_config($1, $2, false)', [name, value]);
    client.on('notice', ({ message }) => {
      const at = message?.indexOf('{') ?? -1;
      if (message !== undefined && at >= 0 && message.startsWith('duration:')) {
        collect((JSON.parse(message.slice(at)) as { Plan: PlanNode }).Plan, found);
      }
    });
    // In one message: a session that holds lines of jobs may not idle for a second, and this process may well be kept waiting so long.
    const texts = statements.map(({ text, params = [] }) =>
      text.replace(/\$([0-9]+)/g, (_, nth) => client.escapeLiteral(String(params[Number(nth) - 1]))),
    );
    await client.query(['begin', ...texts, 'rollback'].join(';\n'));
  } finally {
    await client.end();
  }
  return found;
}

function collect(node: PlanNode, found: Look[]): void {
  const table = node['Relation Name'] ?? node['Index Name'];
  if (table !== undefined && looks.includes(node['Node Type'])) {
    found.push({
      table,
      index: node['Index Name'],
      removed: node['Rows Removed by Filter'] ?? 0,
      disabled: node.Disabled === true,
    });
  }
  for (const child of node.Plans ?? []) collect(child, found);
}
