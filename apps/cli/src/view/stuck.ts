import type { Stuck } from '../log-api.js';
import { cell } from './text.js';

/** What is stuck, each with what to do. */
export function renderStuck(items: readonly Stuck[]): string {
  if (items.length === 0) return 'nothing is stuck\n';
  return items
    .map(({ what, subject, severity, since, message, advice }) => {
      const when = since == null ? '' : ` since ${cell(since)}`;
      return `${cell(severity)}  ${cell(what)}  ${cell(subject)}${when}\n  ${cell(message)}\n  do: ${cell(advice)}\n`;
    })
    .join('');
}
