import { FairleadError } from '@fairlead/contracts';

/** What is wrong at one place of a document; `pointer` is a JSON pointer into it. */
export interface Problem {
  readonly pointer: string;
  readonly detail: string;
}

export type ConfigFault = 'config_decode' | 'config_invalid' | 'config_source';

/** As many as an answer tells; a text with more is told where it goes wrong first. */
export const maxProblems = 100;

const maxTold = 20;

/** The JSON pointer to a path's end. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What a schema found wrong, `maxProblems` at most. */
export function problemsOfSchema({ issues }: { readonly issues: readonly Issue[] }): Problem[] {
  return issues.slice(0, maxProblems).flatMap(problemsOfIssue).slice(0, maxProblems);
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

/** Of members that are not known each is told where it stands. */
function problemsOfIssue({ code, path, message, keys }: Issue): Problem[] {
  if (code === 'unrecognized_keys' && keys !== undefined)
    return keys.map((name) => ({ pointer: pointerOf([...path, name]), detail: 'is not known' }));
  return [{ pointer: pointerOf(path), detail: message }];
}

/** What is wrong with a document: `config_decode`, `config_invalid` or `config_source`. Its details name 20 problems at most, as an answer has its bounds. */
export class ConfigError extends FairleadError {
  constructor(
    code: ConfigFault,
    /** All of them. */
    readonly problems: readonly Problem[],
  ) {
    super(code, textOf(problems), { details: { errors: problems.slice(0, maxTold), problems: problems.length } });
    this.name = 'ConfigError';
  }
}

/** Makes the error of a document's problems. */
export function configError(code: ConfigFault, problems: readonly Problem[]): ConfigError {
  return new ConfigError(code, problems);
}

function textOf(problems: readonly Problem[]): string {
  const text = problems
    .slice(0, 5)
    .map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`))
    .join('; ');
  const rest = problems.length > 5 ? `; and ${String(problems.length - 5)} more` : '';
  return `${text}${rest}`;
}
