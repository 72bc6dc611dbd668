/** Texts for numbers, times and names, as every page shows them. */

const pad = (value: number, length = 2) => String(value).padStart(length, '0');

/** `2026-11-21 06:39:42` in the reader's time zone; the text itself when it is no time. */
export function formatTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** `350 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Milliseconds between two times; undefined while one of them is not there. */
export function durationBetween(from: string | null, to: string | null): number | undefined {
  if (from === null || to === null) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** `needs_attention` → `Needs attention`. */
export function formatName(name: string): string {
  const words = name.replaceAll(/[_-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `1 tenant`, `5 tenants`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** How far the jobs are that a step has asked for, such as `1 of 4 done, 2 running, 0 failed`; undefined for any other step. */
export function progressOf(output: Readonly<Record<string, unknown>> | null): string | undefined {
  const { total, succeeded, running, failed } = output ?? {};
  if (typeof total !== 'number' || typeof succeeded !== 'number' || typeof running !== 'number' || !Array.isArray(failed)) return undefined;
  return `${succeeded} of ${total} done, ${running} running, ${failed.length} failed`;
}
