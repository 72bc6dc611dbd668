/** The lines of an export: a header, events with their hashes, the anchors that cover them, and an end that counts them. */
import { z } from 'zod';
import { canonicalJson, parseExact } from './canonical.js';
import { canonicalParsed, canonicalText, type CanonicalEvent } from './event.js';

const headerSchema = z.strictObject({
  export: z.literal('fairlead-audit'),
  v: z.literal(1),
  /** The range of events, inclusive; `to` is one less than `from` when there are none. */
  from: z.int().min(1),
  to: z.int().min(0),
  /** The chain's hash in front of the first event. */
  prior: z.hex().length(64),
  incarnation: z.string().max(64),
  exported_at: z.iso.datetime(),
});
export type ExportHeader = Omit<z.output<typeof headerSchema>, 'export' | 'v'>;

const endSchema = z.strictObject({ end: z.literal(true), events: z.int().min(0), anchors: z.int().min(0), kids: z.array(z.string()) });

/** The first line. */
export function exportHeader(header: ExportHeader): string {
  return canonicalJson({ export: 'fairlead-audit', v: 1, ...header });
}

/** An event's line. */
export function eventLine(event: CanonicalEvent, hash: Buffer): string {
  return `{"event":${canonicalText(event)},"hash":"${hash.toString('hex')}"}`;
}

/** The last line; `kids` are the keys that the anchors name. */
export function endLine(end: { events: number; anchors: number; kids: readonly string[] }): string {
  return canonicalJson({ end: true, ...end });
}

/** What a line says. */
export type ExportLine =
  | { readonly is: 'header'; readonly header: ExportHeader }
  | { readonly is: 'event'; readonly event: CanonicalEvent; readonly hash: Buffer }
  | { readonly is: 'anchor' }
  | { readonly is: 'end'; readonly events: number; readonly anchors: number }
  /** No line of an export, or not written as one: who reads it with another program might see something else in it. */
  | { readonly is: 'unreadable' };

/** Reads a line; what an anchor's says is read by parseAnchorLine. */
export function readExportLine(text: string): ExportLine {
  if (text.startsWith('{"event":')) return eventOf(text);
  if (text.startsWith('{"anchor":')) return { is: 'anchor' };
  const value = parsed(text);
  if (canonicalJson(value) !== text) return { is: 'unreadable' };
  const header = headerSchema.safeParse(value);
  if (header.success) return { is: 'header', header: header.data };
  const end = endSchema.safeParse(value);
  return end.success ? { is: 'end', ...end.data } : { is: 'unreadable' };
}

function eventOf(text: string): ExportLine {
  const value = parsed(text) as { event?: unknown; hash?: unknown } | undefined;
  const event = canonicalParsed(value?.event);
  const hash = typeof value?.hash === 'string' ? Buffer.from(value.hash, 'hex') : undefined;
  if (event === undefined || hash === undefined || eventLine(event, hash) !== text) return { is: 'unreadable' };
  return { is: 'event', event, hash };
}

function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}
