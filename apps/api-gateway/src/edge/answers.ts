import { SetMetadata } from '@nestjs/common';
import { z } from 'zod';

/** What a route does, in one sentence, and what it answers when all went well. */
export interface Answer {
  readonly summary: string;
  /** Of the JSON that it answers; without one it answers no content. */
  readonly schema?: z.ZodType;
  /** It may also answer that there is nothing to tell: 204. */
  readonly orNothing?: boolean;
  /** It answers server-sent events: instead of JSON, or on request (`Accept: text/event-stream`). */
  readonly events?: 'always' | 'on request';
  /** It answers YAML on request: `Accept: application/yaml`. */
  readonly yaml?: boolean;
  /** It writes its answer itself, of this type. */
  readonly raw?: string;
}

/** An RFC 3339 time. */
export const time = z.iso.datetime({ offset: true });

/** Tells the document of a query field that it is a whole number, though it comes in as text. */
export const integer = { type: 'integer', minimum: 0, maximum: 999_999_999_999_999 } as const;

/** A page of a list; `next_cursor` is null at the end. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** A list that one page holds. */
export function wholeList<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next_cursor: z.null() });
}

export const answerMetadata = 'fairlead:answer';

/** Handlers may answer what is theirs to read only. */
type ReadOnly<T> = T extends readonly (infer Item)[]
  ? readonly ReadOnly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadOnly<T[Key]> }
    : T;
type Handler<Answered> = (...args: never[]) => Answered | Promise<Answered>;
type RouteDecorator<Answered> = <T extends Handler<Answered>>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Declares what a route does and answers; the compiler holds the handler against the schema. A route that declares nothing is not in the
 * API's document, and the gateway does not start with it.
 */
export function Answers(summary: string): RouteDecorator<void>;
export function Answers<Schema extends z.ZodType>(
  summary: string,
  schema: Schema,
  more?: { yaml: true },
): RouteDecorator<ReadOnly<z.input<Schema>>>;
export function Answers<Schema extends z.ZodType>(
  summary: string,
  schema: Schema,
  more: { orNothing: true },
): RouteDecorator<ReadOnly<z.input<Schema>> | undefined>;
export function Answers(
  summary: string,
  schema: z.ZodType | undefined,
  more: { events: 'always' | 'on request' } | { raw: string },
): RouteDecorator<void>;
export function Answers(summary: string, schema?: z.ZodType, more: Omit<Answer, 'summary' | 'schema'> = {}): MethodDecorator {
  return SetMetadata(answerMetadata, { summary, ...(schema === undefined ? {} : { schema }), ...more } satisfies Answer);
}
