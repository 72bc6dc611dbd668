/** Whether an answer is what the API's document says. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { document, type Json, type Operation } from './document.js';

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly requestId: string | null;
}

const ajv = new Ajv2020({ strict: false, allErrors: false });
addFormats.default(ajv);
const compiled = new Map<string, ValidateFunction>();

/** Answers tell nothing that the document does not: of these objects it names every field. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const schema: Json = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closed(part)]));
  if (typeof schema['properties'] === 'object' && schema['type'] === 'object' && !('additionalProperties' in schema))
    schema['additionalProperties'] = false;
  return schema;
}

const components = closed(document.components.schemas);

function checkOf(name: string, schema: Json): ValidateFunction {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const whole = { ...(closed(schema) as Json), components: { schemas: components } };
  const made = ajv.compile(whole);
  compiled.set(name, made);
  return made;
}

/** What is wrong with an answer; undefined when nothing is. */
export function wrongWith(operation: Operation, answered: Answered): string | undefined {
  const { status, type, text } = answered;
  if (answered.requestId === null) return 'the answer has no request id';
  if (status >= 500 && operation.id !== 'probes.ready') return `the answer is ${String(status)}: ${text.slice(0, 500)}`;
  if (status >= 400) return wrongProblem(answered);
  const answers = operation.answers[String(status)];
  if (answers === undefined) return `the document does not know the status ${String(status)}`;
  const types = Object.keys(answers);
  if (types.length === 0) return text === '' ? undefined : 'the document knows of no content';
  const schema = answers[type];
  if (schema === undefined) return `the document does not know the type ${type}`;
  if (type !== 'application/json') return undefined;
  return problemsOf(`${operation.id} ${String(status)}`, schema, text);
}

function wrongProblem({ status, type, text }: Answered): string | undefined {
  if (type !== 'application/problem+json') return `an error is ${type}`;
  const wrong = problemsOf('problem', { $ref: '#/components/schemas/Problem' }, text);
  if (wrong !== undefined) return wrong;
  return (JSON.parse(text) as { status: number }).status === status ? undefined : 'the problem tells another status';
}

function problemsOf(name: string, schema: Json, text: string): string | undefined {
  const check = checkOf(name, schema);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `the answer is not JSON: ${text.slice(0, 200)}`;
  }
  if (check(value)) return undefined;
  return `the answer is not what the document says: ${ajv.errorsText(check.errors)} in ${text.slice(0, 600)}`;
}
