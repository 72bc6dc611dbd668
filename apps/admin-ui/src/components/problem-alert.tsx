import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import { asProblem } from '../api/problem.js';
import { Id } from './id.js';

interface Props {
  readonly error: unknown;
  /** What could not be done, as a title. */
  readonly what: string;
  readonly onRetry?: () => void;
}

/** A failed request: its message, its stable code, and the request id to ask about. */
export function ProblemAlert({ error, what, onRetry }: Props) {
  const problem = asProblem(error);
  return (
    <Alert type="error" header={what} action={onRetry === undefined ? undefined : <Button onClick={onRetry}>Try again</Button>}>
      <div>{problem.message}</div>
      {problem.errors.length > 1 && (
        <ul>
          {problem.errors.map(({ pointer, detail }) => (
            <li key={`${pointer} ${detail}`}>{pointer === '' ? detail : `${pointer.slice(1)}: ${detail}`}</li>
          ))}
        </ul>
      )}
      <div>
        Code <span className="mono">{problem.code}</span>
        {problem.requestId !== undefined && (
          <>
            , request <Id value={problem.requestId} />
          </>
        )}
      </div>
    </Alert>
  );
}
