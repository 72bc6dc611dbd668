import { z } from 'zod';

/** A TCP port, 0 for any free one. */
export const port = () =>
  z
    .string('a port is expected')
    .regex(/^\d{1,5}$/, 'not a port')
    .transform(Number)
    .refine((n) => n <= 65535, 'not a port');

/** Text of at least one character. */
export const text = () => z.string('a text is expected').min(1, 'a text is expected');

/** A URL with one of the schemes (without colon) and no password in it. */
export const url = (...schemes: string[]) =>
  z.string('a URL is expected').refine(
    (value) => {
      if (!URL.canParse(value)) return false;
      const parsed = new URL(value);
      return schemes.includes(parsed.protocol.slice(0, -1)) && parsed.password === '';
    },
    `not a URL with scheme ${schemes.join(' or ')} and without a password`,
  );

/** `host:port`. */
export const address = () => z.string('host:port is expected').regex(/^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'not host:port');

/** A whole number within bounds. */
export const integer = ({ min, max }: { min: number; max: number }) =>
  z
    .string('a number is expected')
    .regex(/^-?\d{1,15}$/, 'not a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `not within ${min} and ${max}`);

/** A duration in milliseconds, at least 1. */
export const durationMs = (maxMs = 86_400_000) => integer({ min: 1, max: maxMs });

/** `true` or `false`. */
export const flag = () => z.enum(['true', 'false'], 'not true or false').transform((value) => value === 'true');

/** Names with commas between them, each of lower-case letters, digits and hyphens; none for an empty text. */
export const names = () =>
  z
    .string('names with commas between them are expected')
    .regex(/^([a-z][a-z0-9-]*(\s*,\s*[a-z][a-z0-9-]*)*)?$/, 'not names with commas between them')
    .transform((value) =>
      value
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    );
