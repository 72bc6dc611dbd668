import type { Terminal } from './terminal.js';

/** Asks a person whether to go on; yes when told so by an option, and when there is nobody to ask. */
export async function confirmed(terminal: Terminal, question: string, options: { readonly yes?: boolean }): Promise<boolean> {
  if (options.yes === true || !terminal.interactive) return true;
  return /^y(es)?$/i.test((await terminal.ask(`${question} [y/N] `)).trim());
}
