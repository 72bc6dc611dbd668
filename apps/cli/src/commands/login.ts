import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { accessFields } from '../credentials.js';
import { CliError, exitCodes } from '../exit.js';
import { ApiError } from '../http/problem.js';
import { sessionFile, writeSession } from '../session.js';
import type { Terminal } from '../terminal.js';

/** `fairlead login` */
export function login(parent: Command, run: Run): void {
  parent
    .command('login')
    .description('log in and remember the session')
    .option('--email <email>', 'who logs in')
    .option('--password-stdin', 'read the password from the standard input')
    .option('--code <code>', 'the second factor: a code of the app, or a recovery code; asked for when it is needed')
    .addHelpText(
      'after',
      '\nExamples:\n  fairlead login --url http://127.0.0.1:8080 --email admin@example.org\n  jq -r .password first-admin.json | fairlead login --url … --email … --password-stdin\n',
    )
    .action((options: LoginOptions, command: Command) => run(command, (context) => logIn(context, options)));
}

interface LoginOptions {
  readonly email?: string;
  readonly passwordStdin?: boolean;
  readonly code?: string;
}

async function logIn({ terminal, publicApi, print }: Context, options: LoginOptions): Promise<void> {
  const { api, url } = publicApi();
  const email = options.email ?? (await askFor(terminal, 'E-mail: ', (question) => terminal.ask(question), '--email'));
  const password = await readPassword(terminal, options.passwordStdin === true, 'Password: ');
  const access = await withSecondFactor(terminal, options.code, (code) => api.login(email, password, code));
  writeSession(terminal.env, { url, ...accessFields(access, terminal.now()), email, session_cookie: access.cookie });
  print({ url, email, session_file: sessionFile(terminal.env) }, () => `logged in at ${url} as ${email}\n`);
}

/** Logs in, once more with a code when the gateway says that it needs one and none was given. */
async function withSecondFactor<T>(terminal: Terminal, given: string | undefined, attempt: (code?: string) => Promise<T>): Promise<T> {
  try {
    return await attempt(given);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'second_factor_required') throw error;
    return attempt(await readCode(terminal, undefined));
  }
}

/** A code that was given as an option, or is asked for. */
export async function readCode(terminal: Terminal, given: string | undefined): Promise<string> {
  const code = given ?? (await askFor(terminal, 'Code: ', (text) => terminal.ask(text), '--code'));
  if (code === '') throw new CliError('no code was given', exitCodes.usage);
  return code;
}

/** Reads a password from the input (one trailing newline is not part of it) or asks for it without showing it. */
export async function readPassword(terminal: Terminal, fromInput: boolean, question: string): Promise<string> {
  const password = fromInput
    ? (await terminal.readInput()).replace(/\r?\n$/, '')
    : await askFor(terminal, question, (text) => terminal.askSecret(text), '--password-stdin');
  if (password === '') throw new CliError('no password was given', exitCodes.usage);
  return password;
}

async function askFor(terminal: Terminal, question: string, ask: (question: string) => Promise<string>, option: string): Promise<string> {
  if (!terminal.interactive) throw new CliError(`nobody can be asked here; use ${option}`, exitCodes.usage);
  return (await ask(question)).trim();
}
