import type { JobEvent } from '../api.js';
import { cell, printable } from './text.js';

/**
 * Makes a renderer of a job's events, one line each: when, which step (or the job itself), what became of it. It
 * remembers when runs began, to tell how long they took; `width` is that of the longest step name.
 */
export function transitionRenderer(width: number): (event: JobEvent) => string {
  const startedAt = new Map<string, number>();
  return (event) => {
    const [subject = '', ...words] = event.type.split('_');
    const name = subject === 'step' ? (event.step ?? event.payload?.step ?? subject) : subject;
    const at = Date.parse(event.recorded_at);
    const began = startedAt.get(name);
    if (words.at(-1) === 'started' || words.at(-1) === 'queued') startedAt.set(name, at);
    const begins = event.payload?.begins;
    // One that goes on after a rest began earlier.
    if (begins?.step != null && (begins.undo === true || !startedAt.has(begins.step))) startedAt.set(begins.step, at);
    const ended = ['succeeded', 'failed', 'undone', 'cancelled', 'attention'].includes(words.at(-1) ?? '');
    const notes = notesOf(event, ended && began !== undefined ? at - began : undefined);
    const time = printable(event.recorded_at).slice(11, 19);
    return `${time}  ${printable(name).padEnd(width)}  ${printable(words.join(' ')).padEnd(12)}  ${notes.join(', ')}`.trimEnd() + '\n';
  };
}

function notesOf({ type, payload }: JobEvent, tookMs: number | undefined): string[] {
  const { attempt, begins, delay_ms: delayMs, error, output } = payload ?? {};
  const code = error?.code == null || error.code === '' ? '' : ` (${error.code})`;
  return [
    ...(attempt != null && attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(tookMs === undefined ? [] : [`${tookMs} ms`]),
    ...(type === 'step_progressed' ? progressOf(output ?? {}) : []),
    ...(error?.message == null || error.message === '' ? [] : [printable(`${error.message}${code}`)]),
    ...(delayMs == null ? [] : [`again in ${Math.round(delayMs)} ms`]),
    ...(begins == null ? [] : [`${begins.undo === true ? 'undoing' : 'then'} ${printable(begins.step ?? '')}`]),
  ];
}

/** How far the jobs are that a step has asked for; whatever else a step tells as it is. */
function progressOf({ total, succeeded, running, failed, ...rest }: Record<string, unknown>): string[] {
  if (typeof total !== 'number' || typeof succeeded !== 'number' || typeof running !== 'number' || !Array.isArray(failed))
    return [cell({ total, succeeded, running, failed, ...rest })];
  return [`${succeeded} of ${total} done`, `${running} running`, `${failed.length} failed`];
}
