import type { Command } from 'commander';
import { newId } from '@fairlead/contracts';
import { createApi, type Api } from './api.js';
import { givenToken, sessionCredentials } from './credentials.js';
import { createHttpClient, type Credentials } from './http/client.js';
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
  /** A gateway by its URL, without a token. */
  readonly apiAt: (url: string) => Api;
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
    const apiAt = (url: string, credentials?: Credentials) => createApi(createHttpClient({ url, correlationId, credentials }));
    await work({
      terminal,
      json,
      correlationId,
      urlOption: options.url,
      api: () => {
        const target = targetOf(options.url, terminal.env);
        const { url } = target;
        if ('token' in target) return apiAt(url, givenToken(target.token));
        return apiAt(
          url,
          sessionCredentials(terminal, target.session, (cookie) => apiAt(url).refresh(cookie)),
        );
      },
      publicApi: () => {
        const url = urlOf(options.url, terminal.env);
        return { url, api: apiAt(url) };
      },
      apiAt: (url) => apiAt(url),
      print: (value, render) => {
        terminal.out(json ? `${JSON.stringify(value, null, 2)}\n` : render());
      },
    });
  };
}
