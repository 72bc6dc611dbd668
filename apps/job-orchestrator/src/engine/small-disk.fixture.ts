/** A disk that can be filled: of memory where it may be mounted, else by a limit on how large a server's files may grow. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testFolder } from '@fairlead/testing';

export interface SmallDisk {
  readonly dir: string;
  /** A disk of its own: a limit on files meets what a server keeps elsewhere too. */
  readonly own: boolean;
  /** What a server says that finds it full. */
  readonly says: RegExp;
  /** Leaves no room to a server of this process id. */
  fill(pid: number): void;
  free(pid: number): void;
  remove(): void;
}

export function smallDisk(megabytes: number): SmallDisk {
  const dir = testFolder('disk');
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${String(megabytes)}m,mode=711`, 'tmpfs', dir]).status !== 0) return limitedFiles(dir);
  const ballast = join(dir, 'ballast');
  return {
    dir,
    own: true,
    says: /No space left on device/,
    fill: () => {
      for (const part of [1024 * 1024, 4096]) fillWith(ballast, Buffer.alloc(part));
    },
    free: () => {
      rmSync(ballast);
    },
    remove: () => {
      spawnSync('umount', ['-l', dir]);
    },
  };
}

function fillWith(file: string, part: Buffer): void {
  try {
    for (;;) writeFileSync(file, part, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Postgres takes a file that may not grow like one that has no room to; its log of writes is the first to be one. */
function limitedFiles(dir: string): SmallDisk {
  const limit = (pid: number, bytes: string) => {
    const each = `for p in ${String(pid)} $(pgrep -P ${String(pid)}); do prlimit --pid $p --fsize=${bytes}:unlimited || exit 1; done`;
    const { status, stderr } = spawnSync('sh', ['-c', each], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`no disk can be limited here: ${stderr}`);
  };
  return {
    dir,
    own: false,
    says: /File too large/,
    fill: (pid) => {
      limit(pid, String(1024 * 1024));
    },
    free: (pid) => {
      spawnSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']);
    },
    remove: () => undefined,
  };
}
