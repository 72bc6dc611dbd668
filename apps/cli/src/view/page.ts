import type { Context } from '../context.js';
import type { Page } from '../http/caller.js';
import { printable } from './text.js';

/** Shows a page, and on stderr how to get the next one. */
export function printPage<Item>({ terminal, print, json }: Context, page: Page<Item>, render: (items: readonly Item[]) => string): void {
  print(page, () => render(page.items));
  if (!json && page.next_cursor != null) terminal.err(`there are more: --cursor ${printable(page.next_cursor)}\n`);
}
