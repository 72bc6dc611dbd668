import { freePort, portIsFree, portsChosenAhead } from '@fairlead/local-servers';
import { readJsonObject, writeWhole } from './files.js';

/**
 * Ports for names: the one in `file` while it is free, else another that is free now; no two alike. The choice is kept,
 * so that addresses stay what they were over a restart.
 */
export async function choosePorts<Name extends string>(file: string, names: readonly Name[]): Promise<Record<Name, number>> {
  const kept = readJsonObject(file) ?? {};
  const taken = new Set<number>();
  const chosen = {} as Record<Name, number>;
  for (const name of names) {
    const port = await portFor(kept[name], taken);
    taken.add(port);
    chosen[name] = port;
  }
  writeWhole(file, `${JSON.stringify({ ...kept, ...chosen }, null, 2)}\n`);
  return chosen;
}

async function portFor(kept: unknown, taken: ReadonlySet<number>): Promise<number> {
  if (typeof kept === 'number' && Number.isInteger(kept) && kept > 0 && kept <= 65_535 && !taken.has(kept) && (await portIsFree(kept)))
    return kept;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = await freePort(portsChosenAhead);
    if (!taken.has(port)) return port;
  }
  throw new Error('No free port was found on 127.0.0.1');
}
