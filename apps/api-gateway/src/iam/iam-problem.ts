import { FairleadError, type ErrorCode } from '@fairlead/contracts';

/** What an external IAM answered, or why it did not, with the HTTP status that its caller is told. */
export class IamProblem extends FairleadError {
  constructor(
    code: Extract<ErrorCode, `iam_${string}`>,
    readonly status: number,
    message: string,
    options: { details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.name = 'IamProblem';
  }
}

const longest = 500;

/**
 * What an IAM says of a refusal: the text of a problem, of an OAuth error or of a plain answer, on one line of bounded length, without any
 * of the secrets that it was sent. Pure.
 */
export function refusalText(status: number, contentType: string | undefined, body: string, secrets: readonly string[]): string {
  const said = /[/+]json\b/.test(contentType ?? '') ? ofJson(body) : /^text\/plain\b/.test(contentType ?? '') ? body : undefined;
  // Secrets go first: what is cut in two can't be found.
  const clean = secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '…'), said ?? '')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, longest);
  return clean === '' ? `The external IAM answered ${String(status)}` : clean;
}

function ofJson(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  for (const name of ['detail', 'message', 'error_description', 'error', 'title']) {
    const found = fields[name];
    if (typeof found === 'string' && found.trim() !== '') return found;
  }
  return undefined;
}
