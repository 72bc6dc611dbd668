import type { Command } from 'commander';
import type { Context, Run } from '../context.js';
import { accessFields } from '../credentials.js';
import { CliError, exitCodes } from '../exit.js';
import { sessionFile, writeSession } from '../session.js';
import type { Terminal } from '../terminal.js';

/** `fairlead login` */
export function login(parent: Command, run: Run): void {
  parent
    .command('login')
    .description('log in and remember the session')
    .option('--email <email>', 'who logs in')
    .option('--password-stdin', 'read the password from the standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  fairlead login --url http://127.0.0.1:8080 --email admin@example.org\n  jq -r .password first-admin.json | fairlead login --url … --email … --password-stdin\n',
    )
    .action((options: LoginOptions, command: Command) => run(command, (context) => logIn(context, options)));
}

interface LoginOptions {
  readonly email?: string;
  readonly passwordStdin?: boolean;
}

async function logIn({ terminal, publicApi, print }: Context, options: LoginOptions): Promise<void> {
  const { api, url } = publicApi();
  const email = options.email ?? (await askFor(terminal, 'E-mail: ', (question) => terminal.ask(question), '--email'));
  const password = await readPassword(terminal, options.passwordStdin === true, 'Password: ');
  const access = await api.login(email, password);
  writeSession(terminal.env, { url, ...accessFields(access, terminal.now()), email, session_cookie: access.cookie });
  print({ url, email, session_file: sessionFile(terminal.env) }, () => `logged in at ${url} as ${email}\n`);
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
