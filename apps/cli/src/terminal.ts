import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import { CliError, exitCodes } from './exit.js';

/** What a command has of the world around it. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A person can be asked. */
  readonly interactive: boolean;
  /** Results. */
  readonly out: (text: string) => void;
  /** Everything else: progress, hints, errors. */
  readonly err: (text: string) => void;
  /** The command will fail: so that it does also when nobody takes its results to the end. */
  readonly failing: () => void;
  readonly now: () => Date;
  /** Reads all of the standard input. */
  readonly readInput: () => Promise<string>;
  /** Asks for a line. */
  readonly ask: (question: string) => Promise<string>;
  /** Asks for a line and does not show it. */
  readonly askSecret: (question: string) => Promise<string>;
}

/** The process's own terminal. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    out: (text) => {
      process.stdout.write(text);
    },
    err: (text) => {
      process.stderr.write(text);
    },
    failing: () => {
      process.exitCode = exitCodes.failed;
    },
    now: () => new Date(),
    readInput: () => text(process.stdin),
    ask: (question) => askLine(question, true),
    askSecret: (question) => askLine(question, false),
  };
}

/** Questions go to stderr, so that results can be piped on. */
function askLine(question: string, echo: boolean): Promise<string> {
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  // As a terminal, readline keeps the system from echoing; what it would show itself goes nowhere.
  const lines = createInterface({ input: process.stdin, output: echo ? process.stderr : silent, terminal: true });
  // Asked only now that the system does not echo any more.
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => {
      reject(new CliError('interrupted', exitCodes.failed));
      lines.close();
    });
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => {
      if (!echo) process.stderr.write('\n');
      reject(new CliError('no answer was given', exitCodes.usage));
    });
  });
}
