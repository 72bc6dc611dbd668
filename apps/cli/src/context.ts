import type { Command } from 'commander';
import { newId } from '@fairlead/contracts';
import { createApi, type Api } from './api.js';
import { createHttpClient } from './http/client.js';
import { targetOf, urlOf } from './session.js';
import type { Terminal } from './terminal.js';

/** What one run of a command works with. */
export interface Context {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** Goes with all that the command asks for. */
  readonly correlationId: string;
  /** The `--url` option, when given. */
  readonly urlOption: string | undefined;
  /** The gateway, as whoever is logged in. Throws CliError when nobody is. */
  readonly api: () => Api;
  /** The gateway before login, and its URL. */
  readonly publicApi: () => { api: Api; url: string };
  /** Shows a result: as it came with `-o json`, else rendered. */
  readonly print: (value: unknown, render: () => string) => void;
}

/** Runs a command's work within a context made from its options. */
export type Run = (command: Command, work: (context: Context) => Promise<void>) => Promise<void>;

/** Makes the runner that all commands of a program share. */
export function createRun(terminal: Terminal): Run {
  return async (command, work) => {
    const options = command.optsWithGlobals<{ output?: string; url?: string }>();
    const correlationId = newId('correlation');
    const json = options.output === 'json';
    await work({
      terminal,
      json,
      correlationId,
      urlOption: options.url,
      api: () => createApi(createHttpClient({ ...targetOf(options.url, terminal.env, terminal.now()), correlationId })),
      publicApi: () => {
        const url = urlOf(options.url, terminal.env);
        return { url, api: createApi(createHttpClient({ url, correlationId })) };
      },
      print: (value, render) => {
        terminal.out(json ? `${JSON.stringify(value, null, 2)}\n` : render());
      },
    });
  };
}
