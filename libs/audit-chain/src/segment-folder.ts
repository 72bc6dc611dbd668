/** Reads sealed segments from the folder that they are kept in. Nothing is written here. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { AnchorVerifier, Life } from './anchor.js';
import { linesIn } from './lines.js';
import {
  manifestEnd,
  maxManifestBytes,
  segmentName,
  SegmentFault,
  type ManifestVerifier,
  type SegmentManifest,
  type SignedManifest,
} from './segment.js';
import { verifyExport } from './verify-export.js';

/** The names of the manifests in a folder, in the order of what they cover. Throws SegmentFault when the folder can't be read. */
export async function manifestsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.startsWith('trail-') && name.endsWith(manifestEnd)).sort();
  } catch (error) {
    throw new SegmentFault('segment_missing', `the folder of the segments can not be read (${codeOf(error)})`);
  }
}

/** Reads a manifest by its name. Throws SegmentFault when it is not there, or not what was signed under this name. */
export async function readManifest(folder: string, name: string, verify: ManifestVerifier): Promise<SignedManifest> {
  const path = join(folder, name);
  const text = await readBounded(path).catch((error: unknown) => {
    throw new SegmentFault('segment_missing', `the manifest ${name} can not be read (${codeOf(error)})`);
  });
  const manifest = await verify(text);
  if (`${segmentName(manifest)}${manifestEnd}` !== name)
    throw new SegmentFault('segment_unreadable', `the manifest ${name} was made for another name`);
  return manifest;
}

async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  return size > maxManifestBytes ? '' : readFile(path, 'utf8');
}

/** Throws SegmentFault unless a segment's file is there with the size and digest that its manifest says. */
export async function checkSegmentFile(folder: string, { file, bytes, sha256 }: SegmentManifest): Promise<void> {
  const hash = createHash('sha256');
  let read = 0;
  try {
    for await (const chunk of createReadStream(join(folder, file)) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      read += chunk.length;
    }
  } catch (error) {
    throw new SegmentFault('segment_missing', `the file ${file} can not be read (${codeOf(error)})`);
  }
  if (read !== bytes || hash.digest('hex') !== sha256)
    throw new SegmentFault('segment_file_wrong', `the file ${file} is not the one that was sealed: its size or SHA-256 is another`);
}

export interface CheckSegmentOptions {
  readonly folder: string;
  readonly verify: AnchorVerifier;
  /** Lines of an anchor file that was kept elsewhere, those that say something about the range. */
  readonly anchorLines?: () => AsyncIterable<string>;
}

/**
 * Reads a segment back: its file's digest, every event against the anchors in it, and the chain against the manifest. Throws
 * SegmentFault for what is wrong first; answers the restores of the log that its anchors tell of.
 */
export async function checkSegment(options: CheckSegmentOptions, manifest: SegmentManifest): Promise<readonly Life[]> {
  const { folder, verify, anchorLines } = options;
  await checkSegmentFile(folder, manifest);
  const broken = (message: string) => new SegmentFault('segment_broken', `${manifest.file}: ${message}`);
  let header = '';
  let lastEvent = '';
  async function* lines(): AsyncGenerator<string, void, undefined> {
    let isFirst = true;
    for await (const line of linesIn(unpacked(join(folder, manifest.file), manifest.lines_bytes))) {
      if (isFirst) header = line;
      isFirst = false;
      if (line.startsWith('{"event":')) lastEvent = line;
      yield line;
    }
  }
  const report = await verifyExport({ lines, verify, anchorLines }).catch((error: unknown) => {
    throw error instanceof SegmentFault ? error : broken(`it can not be unpacked (${codeOf(error)})`);
  });
  if (report.finding !== undefined) {
    const { line, kind, message } = report.finding;
    throw broken(`line ${line}: ${message} (${kind})`);
  }
  if (report.unanchored !== undefined) throw broken(`no anchor in it covers the ${report.unanchored.events} last events`);
  if (report.from !== manifest.from || report.to !== manifest.to || !header.includes(`"prior":"${manifest.prior}"`))
    throw broken('it holds another range of the chain than its manifest says');
  if (!lastEvent.endsWith(`,"hash":"${manifest.hash}"}`)) throw broken('the chain does not come to the hash that its manifest says');
  return report.restored;
}

/** What a packed file holds; no more of it is unpacked than was packed. */
async function* unpacked(path: string, most: number): AsyncGenerator<Buffer, void, undefined> {
  const packed = createReadStream(path);
  const unpacking = createGunzip();
  packed.on('error', (error) => unpacking.destroy(error));
  let size = 0;
  try {
    for await (const chunk of packed.pipe(unpacking) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most) throw new SegmentFault('segment_file_wrong', 'the file holds more than its manifest says');
      yield chunk;
    }
  } finally {
    packed.destroy();
    unpacking.destroy();
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'error';
