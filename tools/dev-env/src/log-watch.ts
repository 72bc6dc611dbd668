/** Points errors in the services' log files out, and keeps the files from growing without end. */
import { copyFileSync, closeSync, existsSync, openSync, readdirSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';
import { basename, join } from 'node:path';

const everyMs = 1_000;
const maxFileBytes = 64 * 1024 * 1024;
const maxReadBytes = 1024 * 1024;
const maxLinesPerRound = 3;
const maxMessageLength = 300;
/** The same error of the same service is pointed out once in this time. */
const repeatAfterMs = 60_000;

/** At a start: a log that has grown large makes room for a new one. */
export function setLargeLogsAside(dir: string, maxBytes = 8 * 1024 * 1024): void {
  for (const name of readdirSync(dir)) {
    const file = join(dir, name);
    if (name.endsWith('.log') && statSync(file).size > maxBytes) renameSync(file, `${file}.1`);
  }
}

/** Begins to watch `*.log` in a folder, from their present ends. */
export function watchLogs(dir: string, log: (line: string) => void): { stop(): void } {
  const seen = new Map<string, Follower>();
  const isNew = rememberRecent(repeatAfterMs);
  const round = (fromEnd: boolean) => {
    for (const name of readdirSync(dir).filter((entry) => entry.endsWith('.log'))) {
      const file = join(dir, name);
      const follower = seen.get(name) ?? new Follower(file, fromEnd && existsSync(file) ? statSync(file).size : 0);
      seen.set(name, follower);
      const service = basename(name, '.log');
      const messages = follower
        .read()
        .map(errorIn)
        .filter((message) => message !== undefined);
      pointOut(
        service,
        file,
        messages.filter((message) => isNew(`${service} ${message}`)),
        log,
      );
    }
  };
  round(true);
  const timer = setInterval(() => {
    try {
      round(false);
    } catch {
      // A file that is gone or unreadable now is looked at again in the next round.
    }
  }, everyMs);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}

const maxRemembered = 1_000;

/** Answers whether a text was not asked about within this time. */
export function rememberRecent(forMs: number): (text: string) => boolean {
  const lastMs = new Map<string, number>();
  return (text) => {
    const now = performance.now();
    const known = lastMs.get(text);
    if (known !== undefined && now - known < forMs) return false;
    if (lastMs.size >= maxRemembered) lastMs.clear();
    lastMs.set(text, now);
    return true;
  };
}

function pointOut(service: string, file: string, errors: readonly string[], log: (line: string) => void): void {
  for (const message of errors.slice(0, maxLinesPerRound)) log(`error in ${service}: ${message}`);
  if (errors.length > maxLinesPerRound) log(`error in ${service}: ${String(errors.length - maxLinesPerRound)} more, see ${file}`);
}

/** What a log line says went wrong, or undefined when it is no error line. */
export function errorIn(line: string): string | undefined {
  if (!line.includes('"level":"error"') && !line.includes('"level":"fatal"')) return undefined;
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } };
    if (entry.level !== 'error' && entry.level !== 'fatal') return undefined;
    const cause = typeof entry.err?.message === 'string' ? `: ${entry.err.message}` : '';
    return `${typeof entry.msg === 'string' ? entry.msg : 'error'}${cause}`.slice(0, maxMessageLength);
  } catch {
    return undefined;
  }
}

/** Reads what was added to a file since the last time, in whole lines. */
class Follower {
  private rest = '';

  constructor(
    private readonly file: string,
    private offset: number,
  ) {}

  read(): string[] {
    const size = statSync(this.file).size;
    if (size < this.offset) this.offset = 0;
    // A flood is skipped, not queued.
    if (size - this.offset > maxReadBytes) {
      this.offset = size - maxReadBytes;
      this.rest = '';
    }
    const lines = `${this.rest}${this.readTo(size)}`.split('\n');
    this.rest = (lines.pop() ?? '').slice(-maxReadBytes);
    if (size > maxFileBytes) {
      // The writers append: their next line stands at the new beginning.
      copyFileSync(this.file, `${this.file}.1`);
      truncateSync(this.file, 0);
      this.offset = 0;
    }
    return lines;
  }

  private readTo(size: number): string {
    const buffer = Buffer.alloc(size - this.offset);
    if (buffer.length === 0) return '';
    const fd = openSync(this.file, 'r');
    try {
      const read = readSync(fd, buffer, 0, buffer.length, this.offset);
      this.offset += read;
      return buffer.toString('utf8', 0, read);
    } finally {
      closeSync(fd);
    }
  }
}
