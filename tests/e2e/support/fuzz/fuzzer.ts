/** Sends requests made from the API's document to a running stack, and holds every answer against it. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describeError } from '@fairlead/contracts';
import { wrongWith, type Answered } from './answers.js';
import { operations, type Json, type Operation } from './document.js';
import { anything, broken, nasty, noneYet, valuesOf } from './values.js';
import type { World } from './world.js';

export interface Parts {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** Sent as it is, instead of a body in JSON. */
  readonly raw?: string;
}

export interface Sent {
  readonly status: number;
  readonly body: unknown;
  /** What the answer has the browser keep. */
  readonly cookie?: string | undefined;
}

/** A request that was answered as it must not be. */
export interface Fault {
  readonly operation: string;
  readonly parts: Parts;
  readonly what: string;
}

interface Callers {
  /** The token of somebody who may. */
  allowed(operation: Operation): string;
  /** That of anybody; undefined: it is asked without one. */
  anybody(operation: Operation): string | undefined;
  cookie(): string | undefined;
  /** What was answered; a caller may have to sign in anew. */
  answered(operation: Operation, status: number, headers: Headers, parts: Parts): void;
}

export class Fuzzer {
  readonly faults: Fault[] = [];
  /** How often each operation was answered how. */
  readonly tally = new Map<string, Map<number, number>>();
  private readonly right = new Map<string, () => Parts>();

  constructor(
    private readonly url: string,
    private readonly world: World,
    private readonly callers: Callers,
    private readonly random: () => number,
  ) {}

  get requests(): number {
    return [...this.tally.values()].flatMap((statuses) => [...statuses.values()]).reduce((sum, count) => sum + count, 0);
  }

  /** How many were answered with a status of this hundred. */
  answered(hundred: number): number {
    return [...this.tally.values()]
      .flatMap((statuses) => [...statuses])
      .filter(([status]) => Math.floor(status / 100) === hundred)
      .reduce((sum, [, count]) => sum + count, 0);
  }

  /** Operations that no request has succeeded with. */
  neverDone(): string[] {
    return operations
      .map(({ id }) => id)
      .filter((id) => ![...(this.tally.get(id)?.keys() ?? [])].some((status) => status >= 200 && status < 300));
  }

  /** One request, most of them right, the others broken in one place. */
  async one(): Promise<void> {
    const operation = this.pick();
    const right = this.rightParts(operation);
    await this.send(operation, this.random() < 0.6 ? right : this.breakIt(operation, right), this.callers.anybody(operation));
  }

  /** Sends a request by the name of its operation, as somebody who may. */
  async ask(id: string, parts: Parts = {}, token?: string): Promise<Sent> {
    const operation = operations.find((one) => one.id === id);
    if (operation === undefined) throw new Error(`there is no operation ${id}`);
    const keyed = operation.parameters.some(({ name }) => name === 'Idempotency-Key');
    const headers = { ...(keyed ? { 'Idempotency-Key': randomUUID() } : {}), ...parts.headers };
    return this.send(operation, { ...parts, headers }, token ?? this.callers.allowed(operation));
  }

  /** A right request with one change, as somebody who may send it. */
  async changed(operation: Operation, change: (right: Parts) => Parts): Promise<Sent> {
    return this.send(operation, change(this.rightParts(operation)), this.callers.allowed(operation));
  }

  private pick(): Operation {
    const weights = operations.map(({ id }) => weightOf(id));
    let at = this.random() * weights.reduce((sum, weight) => sum + weight, 0);
    const found = operations.find((_, index) => (at -= weights[index] ?? 0) < 0);
    return found ?? (operations[0] as Operation);
  }

  /** Parts that the document says are right, about things that there are. */
  private rightParts(operation: Operation): Parts {
    const next = this.right.get(operation.id) ?? this.sampler(operation);
    this.right.set(operation.id, next);
    return next();
  }

  private sampler(operation: Operation): () => Parts {
    const known = this.world.knownTo(operation);
    const part = (where: string) => {
      const fields = operation.parameters.filter((one) => one.in === where && known(one.name) !== 'left out');
      // Most filters are left out: one with all of them finds nothing.
      const valueOf = ({ name, schema, required }: (typeof fields)[number]) =>
        required
          ? valuesOf(schema, name, known)
          : fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: valuesOf(schema, name, known) });
      return fc
        .record(Object.fromEntries(fields.map((field) => [field.name, valueOf(field)])))
        .map((values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== noneYet)));
    };
    const parts = fc.record({
      path: part('path'),
      query: part('query'),
      headers: part('header'),
      body: operation.body === undefined ? fc.constant(undefined) : valuesOf(operation.body, '', known),
    });
    return () => {
      const [made] = fc.sample(parts, { numRuns: 1, seed: this.seed() });
      if (made === undefined) throw new Error('a sample is made');
      const { path, headers, ...rest } = made as Required<Pick<Parts, 'path' | 'headers'>> & Parts;
      return { ...rest, path, headers: 'X-Tenant-Id' in headers ? { ...headers, 'X-Tenant-Id': path['id'] } : headers };
    };
  }

  private breakIt(operation: Operation, right: Parts): Parts {
    const sample = <T>(values: fc.Arbitrary<T>) => fc.sample(values, { numRuns: 1, seed: this.seed() })[0] as T;
    const ways: (() => Parts)[] = [
      () => ({ ...right, query: { ...right.query, [sample(fc.constantFrom('x', 'limit', 'cursor', 'kind', 'from'))]: sample(nasty) } }),
      () => ({ ...right, headers: { ...right.headers, [sample(fc.constantFrom(...brokenHeaders))]: sample(nasty) } }),
    ];
    const names = (part: 'path' | 'query' | 'headers') => Object.keys(right[part] ?? {});
    for (const part of ['path', 'query', 'headers'] as const)
      if (names(part).length > 0)
        ways.push(() => ({ ...right, [part]: { ...right[part], [sample(fc.constantFrom(...names(part)))]: sample(nasty) } }));
    if (operation.body !== undefined)
      ways.push(
        () => ({ ...right, body: sample(broken(right.body)) }),
        () => ({ ...right, body: sample(broken(right.body)) }),
        () => ({ ...right, body: sample(anything) }),
        () => ({
          ...right,
          raw: sample(fc.constantFrom('{', '[1,', '"', '{"a":1}}', '\u0000', '{"__proto__":{"a":1}}', 'a=b', `${'['.repeat(5_000)}1`)),
        }),
        () => ({
          ...right,
          headers: {
            ...right.headers,
            'content-type': sample(
              fc.constantFrom('text/plain', 'application/x-www-form-urlencoded', 'x', 'multipart/form-data; boundary=x'),
            ),
          },
        }),
      );
    return ways[Math.floor(this.random() * ways.length)]?.() ?? right;
  }

  private async send(operation: Operation, parts: Parts, token: string | undefined): Promise<Sent> {
    const events =
      ['jobEvents.events', 'fleetEvents.events'].includes(operation.id) || (operation.id === 'changes.get' && this.random() < 0.2);
    const aborter = new AbortController();
    let response: Response;
    try {
      response = await fetch(this.addressOf(operation, parts), {
        method: operation.method,
        headers: this.headersOf(operation, parts, events, token),
        ...(parts.raw !== undefined ? { body: parts.raw } : parts.body === undefined ? {} : { body: JSON.stringify(parts.body) }),
        redirect: 'manual',
        signal: aborter.signal,
      });
    } catch (error) {
      // What fetch itself refuses never left.
      const { cause } = error as { cause?: { name?: string } };
      if (cause === undefined || cause.name === 'InvalidArgumentError') return { status: 0, body: undefined };
      this.fault(operation, parts, `no answer: ${describeError(error)}`);
      return { status: 0, body: undefined };
    }
    const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const text = type === 'text/event-stream' ? '' : await response.text();
    if (type === 'text/event-stream') aborter.abort();
    const answered: Answered = { status: response.status, type, text, requestId: response.headers.get('x-request-id') };
    this.count(operation, response.status);
    this.callers.answered(operation, response.status, response.headers, parts);
    const what = this.matches(operation, parts) ? wrongWith(operation, answered) : undefined;
    if (what !== undefined) this.fault(operation, parts, what);
    const body = type === 'application/json' || type === 'application/problem+json' ? (JSON.parse(text) as unknown) : undefined;
    if (response.ok) this.world.learn(operation, body);
    return { status: response.status, body, cookie: response.headers.get('set-cookie')?.split(';')[0] };
  }

  /** Whether a request reaches its operation: a broken part of a path may make it another's. */
  private matches(operation: Operation, parts: Parts): boolean {
    return operation.parameters
      .filter((one) => one.in === 'path')
      .every(({ name }) => !['', '.', '..'].includes(textOf(parts.path?.[name])));
  }

  private addressOf(operation: Operation, parts: Parts): string {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(parts.path?.[name]));
    const query = Object.entries(parts.query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encoded(value)}`]));
    return `${this.url}${path}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  }

  private headersOf(operation: Operation, parts: Parts, events: boolean, token: string | undefined): Headers {
    const headers = new Headers();
    const set = (name: string, value: unknown) => {
      try {
        headers.set(name, String(value));
      } catch {
        // No HTTP client can send it.
      }
    };
    if (parts.body !== undefined || parts.raw !== undefined) set('content-type', 'application/json');
    set('accept', events ? 'text/event-stream' : 'application/json');
    // The address that logins are throttled by: everybody's own.
    set('x-forwarded-for', `10.${String(this.below(250))}.${String(this.below(250))}.${String(this.below(250))}`);
    if (token !== undefined) set('authorization', `Bearer ${token}`);
    const cookie = operation.id === 'auth.refresh' || operation.id === 'auth.logout' ? this.callers.cookie() : undefined;
    if (cookie !== undefined) set('cookie', cookie);
    for (const [name, value] of Object.entries(parts.headers ?? {}))
      if (value !== undefined) set(name, name === 'Idempotency-Key' && this.random() < 0.9 ? randomUUID() : value);
    return headers;
  }

  private count({ id }: Operation, status: number): void {
    const statuses = this.tally.get(id) ?? new Map<number, number>();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    this.tally.set(id, statuses);
  }

  private fault({ id }: Operation, parts: Parts, what: string): void {
    this.faults.push({
      operation: id,
      parts: JSON.parse(JSON.stringify(parts).slice(0, 1) === '{' ? JSON.stringify(parts) : '{}') as Json,
      what,
    });
  }

  private below(end: number): number {
    return Math.floor(this.random() * end);
  }

  private seed(): number {
    return Math.floor(this.random() * 2 ** 31);
  }
}

const brokenHeaders = [
  'x-request-id',
  'x-correlation-id',
  'traceparent',
  'x-tenant-id',
  'if-match',
  'last-event-id',
  'accept',
  'origin',
  'x-forwarded-proto',
  'cookie',
  'idempotency-key',
];

/** Passwords take their time on purpose, and jobs and rebuilds go on after their answer. */
function weightOf(id: string): number {
  if (id === 'auth.login' || id === 'auth.password' || id === 'users.create') return 0.15;
  if (id.startsWith('jobs.') && !['jobs.list', 'jobs.get'].includes(id)) return 0.5;
  if (
    id === 'auditExport.get' ||
    id === 'auditVerify.verify' ||
    id.startsWith('totp.') ||
    id.startsWith('logVerify') ||
    id === 'fleet.appliedPlacement' ||
    id === 'fleet.snapshot'
  )
    return 0.2;
  return 1;
}

function encoded(value: unknown): string {
  return encodeURIComponent(textOf(value).toWellFormed());
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
