/** The gateway's operations on the audit chain. */
import type { Schema } from '@fairlead/api-client';
import { CliError } from './exit.js';
import { request, type Caller, type Page } from './http/caller.js';
import type { HttpClient } from './http/client.js';

export type Chain = Schema<'Chain'>;
export type VerifiedChain = Schema<'ChainVerified'>;
export type Segment = Schema<'TrailSegment'>;
export type Sealing = Schema<'TrailSealing'>;
/** A page of segments, and how far sealing has come. */
export type SegmentPage = Page<Segment> & { readonly sealing: Sealing };

const chainFields = ['head', 'position', 'hash', 'incarnation', 'lag', 'lag_seconds', 'unanchored', 'kept'] as const;
const verifiedFields = ['position', 'head', 'unanchored', 'source', 'restored'] as const;
/** These may be null, but not missing: an answer that leaves out what is broken says nothing. */
const verdictFields = ['next', 'broken', 'anchor'] as const;

/** Binds these operations to a client. */
export function createChainApi(http: HttpClient, { one }: Caller) {
  return {
    chain: async () => {
      const chain = await one('auditChain.get', {}, chainFields);
      return { ...chain, anchor: chain.anchor ?? null, stopped: chain.stopped ?? null } as Chain;
    },
    /** Checks as much as one request may; it changes nothing, so it may be repeated. */
    verifyChain: async (cursor?: string) => {
      const verified = await one('auditVerify.verify', { body: { cursor } }, verifiedFields, { repeatable: true });
      const missing = verdictFields.find((name) => verified[name] === undefined);
      if (missing !== undefined) throw new CliError(`the gateway's answer does not tell ${missing}: nothing is known of the log`);
      return verified as VerifiedChain;
    },
    segments: async (page: { limit?: number; cursor?: string }) =>
      (await one('auditSegments.list', { query: { limit: page.limit, cursor: page.cursor } }, ['items', 'sealing'])) as SegmentPage,
    /** Asking twice is as once. */
    sealTrail: async (body: { before?: string; reason: string }) =>
      (await one('auditSegments.seal', { body }, ['sealed_until', 'dropped_until', 'segments'], { repeatable: true })) as Sealing,
    /** The lines of an export; the caller reads and cancels it. */
    exportAudit: (query: { from?: number; to?: number }, signal: AbortSignal) =>
      http.stream(request('auditExport.get', { query }), signal, 'application/x-ndjson'),
  };
}
