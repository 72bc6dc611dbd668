import { describeError } from '@fairlead/contracts';
import { Broken } from './broken.js';

/** What a service answered. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** The JSON object that the body is; empty when it is none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly tookMs: number;
}

/** One endpoint of a managed service. */
export class Service {
  private readonly base: string;

  /** @param token of the fleet; goes with every POST unless told otherwise */
  constructor(
    readonly url: string,
    private readonly options: { token: string; timeoutMs: number },
  ) {
    this.base = url.replace(/\/+$/, '');
  }

  /** Throws Broken when nothing is answered in time. */
  get(path: string): Promise<Answer> {
    return this.ask('GET', path, {});
  }

  /** Throws Broken when nothing is answered in time. `authorization` null sends none; `body` a text is sent as it is. */
  post(path: string, body: object | string, options: { authorization?: string | null } = {}): Promise<Answer> {
    const { authorization = `Bearer ${this.options.token}` } = options;
    return this.ask('POST', path, {
      headers: { 'content-type': 'application/json', ...(authorization === null ? {} : { authorization }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** A text without the fleet's token, whoever put it there. */
  withoutToken(text: string): string {
    return text.replaceAll(this.options.token, '[the fleet token]');
  }

  private async ask(method: string, path: string, init: { headers?: Record<string, string>; body?: string }): Promise<Answer> {
    const startMs = performance.now();
    try {
      const signal = AbortSignal.timeout(this.options.timeoutMs);
      const response = await fetch(this.base + path, { method, redirect: 'manual', signal, ...init });
      const text = await response.text();
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? '',
        text,
        body: objectOf(text),
        tookMs: performance.now() - startMs,
      };
    } catch (error) {
      throw new Broken(`an answer to ${method} ${path} within ${String(this.options.timeoutMs)} ms`, describeError(error));
    }
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Its text tells what it is instead.
  }
  return {};
}
