import { Broken } from './broken.js';
import type { Answer } from './service.js';

const shownCharacters = 300;

/** What an answer is to be: its status, and members of its body with their values. */
export interface Wanted {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** Throws Broken unless an answer to `asked` is as it is to be. Returns the answer. */
export function expectAnswer(asked: string, answer: Answer, wanted: Wanted): Answer {
  const members = Object.entries(wanted.body ?? {});
  if (answer.status === wanted.status && members.every(([name, value]) => answer.body[name] === value)) return answer;
  const body = members.length === 0 ? '' : ` with ${JSON.stringify(wanted.body)}`;
  throw new Broken(`${String(wanted.status)}${body} for ${asked}`, shown(answer));
}

/** Throws Broken unless an answer is a problem document of a status and a code. */
export function expectProblem(asked: string, answer: Answer, status: number, code: string, more: Record<string, unknown> = {}): Answer {
  expectAnswer(asked, answer, { status, body: { code, ...more } });
  expectTrue(
    answer.contentType.startsWith('application/problem+json'),
    `application/problem+json for ${asked}`,
    answer.contentType === '' ? 'no content type' : answer.contentType,
  );
  return answer;
}

/** Throws Broken unless it is so. */
export function expectTrue(isSo: boolean, expected: string, got: string): void {
  if (!isSo) throw new Broken(expected, got);
}

/** True for a number that the contract allows: whole, from 0 on, below 2⁵³. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** An answer for a person, in a line. */
export function shown({ status, text }: Answer): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return `${String(status)} ${line.length > shownCharacters ? `${line.slice(0, shownCharacters)}…` : line}`;
}
