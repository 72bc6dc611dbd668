import { FairleadError } from '@fairlead/contracts';

/** What is wrong with one field of a request; `pointer` is a JSON pointer into the part that it came in. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** `invalid_argument` that names every field at fault, and no value. */
export function invalidFields(errors: readonly FieldError[]): FairleadError {
  const text = errors
    .slice(0, 5)
    .map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer.slice(1).replaceAll('/', '.')}: ${detail}`))
    .join('; ');
  return new FairleadError('invalid_argument', text, { details: { errors: errors.slice(0, 20) } });
}

/** `invalid_argument` for one field. */
export function invalidField(name: string, detail: string): FairleadError {
  return invalidFields([{ pointer: `/${name}`, detail }]);
}
