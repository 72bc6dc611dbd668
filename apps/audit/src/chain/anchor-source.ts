/** Where anchors are read: the file outside of the database, or, without one, the copies in the table. */
import { anchorLine } from '@fairlead/audit-chain';
import type { Sql } from '@fairlead/postgres';
import { anchorsAfter, lastAnchor, type KeptAnchor } from '../store/anchors.js';
import { readLinks } from '../store/chain.js';

export interface SourceLine {
  readonly text: string;
  /** Where the line behind it begins. */
  readonly next: number;
}

export interface AnchorSource {
  readonly kind: 'file' | 'table';
  /** The last line; undefined when there is none. */
  last(): Promise<string | undefined>;
  /** The lines from an offset on; 0 is the beginning. */
  lines(offset: number): AsyncIterable<SourceLine>;
}

const pageSize = 50;

/**
 * The anchors of the table. Their leaves are those of the chain: which they were signed with shows when they are verified.
 */
export function tableAnchors(sql: Sql): AnchorSource {
  return {
    kind: 'table',
    last: async () => {
      const kept = await lastAnchor(sql);
      return kept === undefined ? undefined : lineOf(sql, kept);
    },
    lines: async function* (offset) {
      let after = offset;
      for (;;) {
        const page = await anchorsAfter(sql, after, pageSize);
        if (page.length === 0) return;
        for (const kept of page) {
          after = kept.id;
          yield { text: await lineOf(sql, kept), next: after };
        }
      }
    },
  };
}

/** The line of an anchor, with the leaves that the chain has now. */
export async function lineOf(sql: Sql, { jws, from, position }: Pick<KeptAnchor, 'jws' | 'from' | 'position'>): Promise<string> {
  const links = await readLinks(sql, from, position);
  return anchorLine({ jws, leaves: Buffer.concat([...links.values()].map(({ leaf }) => leaf)) });
}
