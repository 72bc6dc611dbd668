import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ChangeOptions } from './change.js';

const longestMs = 10 * 366 * 24 * 3_600_000;
/** Node's timers take no more. */
const longestTimerMs = 24 * 24 * 3_600_000;

/** A whole number of at least 1. */
export function positive(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('A whole number of at least 1 is expected.');
  return Number(value);
}

/** A position of the log, which begins at 1. */
export function position(value: string): number {
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new InvalidArgumentError('A position of the log, from 1 on, is expected.');
  return Number(value);
}

/** A duration such as `30s`, `5m`, `2h` or `250ms`, in milliseconds. */
export function durationMs(value: string): number {
  const match = /^([1-9]\d{0,7})(ms|s|m|h)$/.exec(value);
  if (match === null) throw new InvalidArgumentError('A duration such as 30s, 5m or 2h is expected.');
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  const ms = Number(match[1]) * unitMs;
  if (ms > longestMs) throw new InvalidArgumentError('That is longer than 10 years.');
  return ms;
}

/** The same, as long as a timer can be set. */
export function timeoutMs(value: string): number {
  const ms = durationMs(value);
  if (ms > longestTimerMs) throw new InvalidArgumentError('That is longer than 24 days.');
  return ms;
}

/** An RFC 3339 time, or a duration ago. */
export function pointInTime(now: () => Date): (value: string) => string {
  return (value) => {
    if (/^\d+(ms|s|m|h)$/.test(value)) return new Date(now().getTime() - durationMs(value)).toISOString();
    if (/^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value))) return new Date(value).toISOString();
    throw new InvalidArgumentError('A time such as 2026-11-01T10:00:00Z, or how long ago such as 30m, is expected.');
  };
}

/** Collects a repeatable option whose values may also be separated by commas. */
export function list(value: string, previous: readonly string[] = []): string[] {
  return [...previous, ...value.split(',').filter((part) => part !== '')];
}

/** A JSON object. */
export function jsonObject(value: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError('A JSON object such as {"a":1} is expected.');
}

/** A whole number of hours, 0 to a week: how long a secret that is replaced still works. */
export function overlapHours(value: string): number {
  if (!/^\d{1,3}$/.test(value) || Number(value) > 168) throw new InvalidArgumentError('A whole number of hours from 0 to 168 is expected.');
  return Number(value);
}

/** For a change of the very revision that was looked at. */
export function revisionOption(): Option {
  return new Option('--revision <n>', 'only if it is at this revision still').argParser(positive);
}

/** What `revisionOption` yields, as it is sent. */
export function ifMatchOf({ revision }: { readonly revision?: number }): string {
  return revision === undefined ? '*' : `"${String(revision)}"`;
}

/** How long to follow a job. */
export function watchTimeout(): Option {
  return new Option('--timeout <duration>', 'give up following after this time, such as 90s; the job goes on')
    .argParser(timeoutMs)
    .default(3_600_000, '1h');
}

/** The options of every change that is planned first. */
export function addChangeOptions(command: Command): Command {
  return addApplyOptions(command).option('--dry-run', 'show the plan and stop');
}

/** The options of what starts a job. */
export function addApplyOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; kept with the plan, the job and the audit trail')
    .option('--wait', 'follow the job to its end; the exit code tells its outcome')
    .addOption(watchTimeout())
    .option('-y, --yes', 'do not ask for confirmation')
    .addOption(new Option('--on-conflict <what>', 'when another job works on the same').choices(['queue', 'reject']))
    .option('--idempotency-key <key>', 'repeat an earlier attempt: the same key never starts a second job');
}

/** What addChangeOptions yields. */
export interface ParsedChangeOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly yes?: boolean;
  readonly onConflict?: 'queue' | 'reject';
  readonly idempotencyKey?: string;
}

/** The options in the units that the code uses. */
export function changeOptions({ timeout, ...options }: ParsedChangeOptions): ChangeOptions {
  return { ...options, timeoutMs: timeout };
}

/** The options of every list. */
export function addPageOptions(command: Command): Command {
  return command.option('--limit <n>', 'at most so many', positive, 100).option('--cursor <cursor>', 'go on behind an earlier page');
}

/** What addPageOptions yields. */
export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}
