/** The gateway's routes on the audit chain. */
import { z } from 'zod';
import type { HttpClient } from './http/client.js';

const text = z.string().nullish();

const anchorSchema = z.looseObject({ position: z.number(), time: z.string(), incarnation: z.string(), kid: z.string() }).nullable();

export const chainSchema = z.looseObject({
  head: z.number(),
  incarnation: z.string(),
  position: z.number(),
  hash: z.string(),
  lag: z.number(),
  lag_seconds: z.number(),
  anchor: anchorSchema,
  unanchored: z.number(),
  kept: z.array(z.string()),
  stopped: text,
});
export type Chain = z.output<typeof chainSchema>;

const verifiedSchema = z.looseObject({
  position: z.number(),
  head: z.number(),
  next: z.string().nullable(),
  broken: z.looseObject({ position: z.number().nullish(), kind: z.string(), message: z.string(), advice: z.string() }).nullable(),
  anchor: anchorSchema,
  unanchored: z.number(),
  unanchored_since: text,
  source: z.string(),
  restored: z.array(z.looseObject({ incarnation: z.string(), after: z.number(), lost_until: z.number(), lost_time: text })),
});
export type VerifiedChain = z.output<typeof verifiedSchema>;

/** Binds these routes to a client. */
export function createChainApi(http: HttpClient) {
  return {
    chain: () => http.json(chainSchema, '/admin/v1/audit/chain'),
    /** Checks as much as one request may; it changes nothing, so it may be repeated. */
    verifyChain: (cursor?: string) =>
      http.json(verifiedSchema, '/admin/v1/audit/verify', { method: 'POST', body: { cursor }, repeatable: true }),
    /** The lines of an export; the caller reads and cancels it. */
    exportAudit: (range: { from?: number; to?: number }, signal: AbortSignal) =>
      http.stream('/admin/v1/audit/export', { query: range, headers: { accept: 'application/x-ndjson' }, signal }),
  };
}
