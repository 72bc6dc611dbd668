import Table from 'cli-table3';
import { cell } from './text.js';

const noLines = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((name) => [name, '']),
);

/** A table of plain columns under capital heads, with a newline at its end. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const view = new Table({
    head: head.map((name) => name.toUpperCase()),
    chars: { ...noLines, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  view.push(...rows.map((row) => row.map(cell)));
  return `${view
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

/** Names and values, one per line, the values in one column. */
export function fields(entries: readonly (readonly [name: string, value: unknown])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`).join('');
}
