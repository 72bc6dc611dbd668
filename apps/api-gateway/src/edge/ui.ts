import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { FairleadError } from '@fairlead/contracts';

/** One file of the admin UI, in every form it is sent in. */
interface UiFile {
  readonly type: string;
  /** Weak: of the content, in whichever form it is sent. */
  readonly etag: string;
  /** Its name holds a hash of its content: what was once loaded stays right. */
  readonly immutable: boolean;
  readonly plain: Buffer;
  /** As the build compressed it; absent where that was not worth it. */
  readonly br?: Buffer;
  readonly gzip?: Buffer;
}

/** The admin UI's files by their path, such as `/assets/index-1a2b.js`. Empty when it is not built. */
export type UiFiles = ReadonlyMap<string, UiFile>;

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** Scripts, styles and requests of this origin alone; nothing inline, no frames, no plug-ins. */
const contentSecurityPolicy = [
  "default-src 'self'",
  "base-uri 'none'",
  "object-src 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Addresses under these belong to programs: what is not there is a problem for them, never a page. */
const apiPaths = /^\/(admin|platform|assets|health|ready|metrics|\.well-known)(\/|$)/;

/**
 * Reads the built UI into memory: it is small, and what is not among these files can't be asked for, whatever the
 * path. Returns no files for a folder that is not there.
 */
export async function loadUi(folder: string): Promise<UiFiles> {
  if (!existsSync(folder)) return new Map();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  const files = names
    .filter((name) => Object.hasOwn(types, extname(name)))
    .map(async (name): Promise<[string, UiFile]> => {
      const read = (suffix: string) => (names.includes(name + suffix) ? readFile(join(folder, name + suffix)) : undefined);
      const [plain, br, gzip] = await Promise.all([readFile(join(folder, name)), read('.br'), read('.gz')]);
      const path = `/${name.split(sep).join('/')}`;
      const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
      return [path, { type: types[extname(name)] ?? '', etag, immutable: path.startsWith('/assets/'), plain, br, gzip }];
    });
  return new Map(await Promise.all(files));
}

/**
 * Serves the UI to anybody: its files, and its page at every address that a browser opens and that is no API's. The UI
 * itself tells an address that leads nowhere.
 */
export function serveUi(instance: FastifyInstance, files: UiFiles): void {
  instance.route({
    method: ['GET', 'HEAD'],
    url: '/*',
    config: { access: 'public' },
    handler: (request, reply) => {
      const [path = '/'] = request.url.split('?');
      const file = files.get(path === '/' ? '/index.html' : path);
      if (file !== undefined) return sendFile(request, reply, file);
      if (path !== '/' && (apiPaths.test(path) || !wantsPage(request))) throw new FairleadError('not_found', 'There is no such route');
      const page = files.get('/index.html');
      if (page === undefined) throw new FairleadError('unavailable', 'The admin UI is not built; the API is served all the same');
      return sendFile(request, reply, page);
    },
  });
}

/** Browsers ask for HTML by name; programs take anything. */
function wantsPage(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/html');
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: UiFile): FastifyReply {
  reply.headers({
    'content-security-policy': contentSecurityPolicy,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    etag: file.etag,
  });
  if (isKnown(request, file.etag)) return reply.status(304).send();
  reply.header('content-type', file.type);
  const [encoding, content] = encoded(request, file);
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  return reply.send(content);
}

/** Whether the client has the content already, by weak comparison. */
function isKnown(request: FastifyRequest, etag: string): boolean {
  const tags = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag.slice('W/'.length));
}

/** The smallest form the client takes. */
function encoded(request: FastifyRequest, file: UiFile): [encoding: string | undefined, content: Buffer] {
  const header = request.headers['accept-encoding'];
  const taken = (Array.isArray(header) ? header.join(',') : (header ?? ''))
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
    .map((part) => part.split(';')[0]?.trim());
  if (file.br !== undefined && taken.includes('br')) return ['br', file.br];
  if (file.gzip !== undefined && taken.includes('gzip')) return ['gzip', file.gzip];
  return [undefined, file.plain];
}
