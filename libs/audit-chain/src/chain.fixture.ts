/** Makes logs, chains and exports for specs. */
import { generateSigningKey, type Jwks, type PrivateJwk } from '@fairlead/auth';
import {
  anchorLine,
  canonicalRow,
  createAnchorSigner,
  createAnchorVerifier,
  endLine,
  eventLine,
  exportHeader,
  genesis,
  linksOf,
  type AnchorVerifier,
  type Life,
  type Link,
  type LogRow,
  type WholeAnchor,
} from './index.js';

/** A row of the log. */
export function rowAt(position: number, more: Partial<LogRow> = {}): LogRow {
  return {
    position,
    aggregate_type: 'job',
    aggregate_id: `job_${position}`,
    version: '1',
    type: 'job_queued',
    schema_version: '1',
    payload: `{"n":${position}}`,
    meta: '{"principal":"user:usr_ada"}',
    recorded_at: `${1_763_700_000 + position}.000000`,
    ...more,
  };
}

export interface Signer {
  readonly sign: (anchor: { links: readonly Link[]; from: number; to: number; lineage?: readonly Life[] }) => Promise<WholeAnchor>;
  readonly verify: AnchorVerifier;
  readonly privateJwk: PrivateJwk;
  readonly jwks: Jwks;
}

export const firstLife = '01900000-0000-7000-8000-000000000001';

/** A key of the audit service's, and what it signs. */
export async function signer(service = 'audit'): Promise<Signer> {
  const { privateJwk, publicJwk } = await generateSigningKey(service);
  const jwks = { keys: [publicJwk] };
  const sign = await createAnchorSigner(privateJwk);
  return {
    privateJwk,
    jwks,
    verify: createAnchorVerifier(jwks),
    sign: ({ links, from, to, lineage = [{ incarnation: firstLife, after: 0 }] }) => {
      const of = links.filter(({ position }) => position >= from && position <= to);
      return sign({
        incarnation: lineage.at(-1)?.incarnation ?? '',
        from,
        position: to,
        hash: of.at(-1)?.hash ?? genesis,
        leaves: Buffer.concat(of.map(({ leaf }) => leaf)),
        time: new Date('2026-11-21T10:00:00Z'),
        lineage,
      });
    },
  };
}

/** The lines of an export of rows from 1 on, with anchors that end at these positions. */
export async function exportOf(rows: readonly LogRow[], ends: readonly number[], { sign }: Signer): Promise<string[]> {
  const events = rows.map(canonicalRow);
  const links = linksOf(genesis, events);
  const anchors: string[] = [];
  let kid = '';
  for (const [index, to] of ends.entries()) {
    const anchor = await sign({ links, from: (ends[index - 1] ?? 0) + 1, to });
    kid = anchor.kid;
    anchors.push(anchorLine(anchor));
  }
  const header = {
    from: 1,
    to: rows.length,
    prior: genesis.toString('hex'),
    incarnation: firstLife,
    exported_at: '2026-11-21T10:00:00.000Z',
  };
  return [
    exportHeader(header),
    ...events.map((event, index) => eventLine(event, links[index]?.hash ?? genesis)),
    ...anchors,
    endLine({ events: rows.length, anchors: anchors.length, kids: kid === '' ? [] : [kid] }),
  ];
}

/** Lines as they are read from a file, as often as one likes. */
export function linesOf(lines: readonly string[]): () => AsyncIterable<string> {
  return async function* () {
    await Promise.resolve();
    yield* lines;
  };
}
