import { v7 as uuidv7 } from 'uuid';

/** A UUID of version 7 has 32 bits of counter. */
const maxSeq = 0xffff_ffff;

const prefixes = {
  job: 'job',
  plan: 'plan',
  schedule: 'sch',
  request: 'req',
  correlation: 'cor',
  user: 'usr',
  serviceAccount: 'sva',
  session: 'ses',
  apiToken: 'flt',
  roleBinding: 'bnd',
  iamChange: 'iam',
  org: 'org',
  project: 'prj',
  command: 'cmd',
  webhook: 'whk',
  delivery: 'whd',
  replica: 'rep',
} as const;

/** Makes an opaque id that sorts by creation time, such as `job_0199b6…` (prefix, underscore, 32 hex digits). */
export function newId(kind: keyof typeof prefixes): string {
  const random = nextRandom();
  return `${prefixes[kind]}_${uuidv7({ random, ...nextTime(random) }).replaceAll('-', '')}`;
}

/** Random hex digits, two for each byte; of at most 16 bytes. */
export function randomHex(bytes: number): string {
  let hex = '';
  for (const byte of nextRandom().subarray(0, bytes)) hex += hexDigits[byte] ?? '';
  return hex;
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Asked of the system for many ids at once: for each id it would cost more than all the rest of it. */
const entropy = new Uint8Array(16 * 256);
let spent = entropy.length;

/** 16 random bytes that nobody else gets. */
function nextRandom(): Uint8Array {
  if (spent === entropy.length) {
    crypto.getRandomValues(entropy);
    spent = 0;
  }
  spent += 16;
  return entropy.subarray(spent - 16, spent);
}

const last = { msecs: 0, seq: 0 };

/** The time and a counter, which begins at random, go forward with each id of this process, also when the clock goes back. */
function nextTime(random: Uint8Array): { msecs: number; seq: number } {
  const now = Date.now();
  if (now > last.msecs) Object.assign(last, { msecs: now, seq: new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1 });
  else if (last.seq < maxSeq) last.seq += 1;
  else Object.assign(last, { msecs: last.msecs + 1, seq: 0 });
  return last;
}

/** Ids from outside (request and correlation ids): 1 to 128 visible characters without spaces, quotes or commas. */
export const externalIdPattern = /^[A-Za-z0-9._:/+=@-]{1,128}$/;

/** Tenant and shard ids: a DNS label, up to 63 lower-case characters. */
export const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An idempotency key: 1 to 128 visible characters. */
export const maxIdempotencyKeyLength = 128;
export const idempotencyKeyPattern = /^[\x21-\x7e]{1,128}$/;
