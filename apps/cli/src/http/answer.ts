import type { Answer, OperationId } from '@fairlead/api-client';

/**
 * An answer as a gateway of another release may give it: a field that the document names may be missing, and a word may be one that is
 * not known here. What shows answers shows a dash then.
 */
export type Loose<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? Loose<Item>[]
    : T extends object
      ? string extends keyof T
        ? Record<string, Loose<T[keyof T]>>
        : { [Key in keyof T]?: Loose<T[Key]> | null }
      : T;

/** A loose answer that has these fields: whoever asked for it needs them. */
export type Having<T, Field extends keyof T> = Loose<T> & { [Key in Field]: Loose<NonNullable<T[Key]>> };

/** The fields of what an operation answers. */
export type FieldOf<Id extends OperationId> = keyof NonNullable<Answer<Id>> & string;

/** The first of the fields that an answer does not have. */
export function missingField(answer: Readonly<Record<string, unknown>>, needed: readonly string[]): string | undefined {
  return needed.find((name) => answer[name] === undefined || answer[name] === null || (name === 'items' && !Array.isArray(answer[name])));
}
