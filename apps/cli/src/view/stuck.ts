import type { StuckList } from '../log-api.js';
import { cell } from './text.js';

/** What is stuck, each with what to do, and what could not be looked at: of that nothing is known. */
export function renderStuck({ items, not_checked: notChecked }: StuckList): string {
  if (items.length === 0 && notChecked.length === 0) return 'nothing is stuck\n';
  const found = items.map(({ what, subject, severity, since, message, advice }) => {
    const when = since == null ? '' : ` since ${cell(since)}`;
    return `${cell(severity)}  ${cell(what)}  ${cell(subject)}${when}\n  ${cell(message)}\n  do: ${cell(advice)}\n`;
  });
  return [...found, ...notChecked.map(({ what, why }) => `not looked at  ${cell(what)}\n  ${cell(why)}\n`)].join('');
}
