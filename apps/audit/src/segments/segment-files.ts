/**
 * Writes the files of a segment. Each is a draft first, is on the disk before it gets its name, and its name is on the disk before this
 * goes on. The segment counts once its manifest has its name.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { syncFolder } from '@fairlead/config';
import { failpoint } from '@fairlead/failpoints';

const draftEnd = '.part';
/** A draft that is so old was left by a crash. */
const draftMs = 3_600_000;
/** Lines are packed in pieces of about so many bytes. */
const pieceBytes = 64 * 1024;

/** What was written. */
export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly lines_bytes: number;
}

/** Packs lines into a file whose name begins so and goes on with the file's digest: the same lines come to the same file. Nothing is left of one that fails. */
export async function writeSegment(folder: string, name: string, lines: AsyncIterable<string>): Promise<WrittenFile> {
  const draft = join(folder, `${name}.${randomBytes(6).toString('hex')}${draftEnd}`);
  const hash = createHash('sha256');
  let [bytes, linesBytes] = [0, 0];
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  async function* pieces(): AsyncGenerator<Buffer, void, undefined> {
    let [waiting, size]: [string[], number] = [[], 0];
    const piece = () => {
      const packed = Buffer.from(waiting.join(''));
      linesBytes += packed.length;
      [waiting, size] = [[], 0];
      return packed;
    };
    for await (const line of lines) {
      waiting.push(line, '\n');
      size += line.length;
      if (size >= pieceBytes) yield piece();
    }
    yield piece();
  }
  try {
    await pipeline(
      Readable.from(pieces(), { objectMode: false }),
      createGzip(),
      counting,
      createWriteStream(draft, { flags: 'wx', mode: 0o600 }),
    );
    await syncFile(draft);
    await failpoint('audit.seal.after_draft');
    const sha256 = hash.digest('hex');
    const file = `${name}-${sha256.slice(0, 16)}.ndjson.gz`;
    await rename(draft, join(folder, file));
    await syncFolder(folder);
    await failpoint('audit.seal.after_file');
    return { file, bytes, sha256, lines_bytes: linesBytes };
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Gives a manifest its name; false when there is one of that name, which stays. */
export async function writeManifest(folder: string, name: string, text: string): Promise<boolean> {
  const draft = join(folder, `${name}.${randomBytes(6).toString('hex')}${draftEnd}`);
  try {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await failpoint('audit.seal.after_manifest_draft');
    const isNew = await link(draft, join(folder, name)).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      },
    );
    await syncFolder(folder);
    await failpoint('audit.seal.after_manifest');
    return isNew;
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Takes away drafts that a crash left long ago. */
export async function removeOldDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('trail-') || !name.endsWith(draftEnd)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > draftMs) await rm(join(folder, name), { force: true });
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
