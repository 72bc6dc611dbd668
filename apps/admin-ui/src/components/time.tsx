import { formatTime } from '../format.js';

/** A time in the reader's zone, the exact one as a tooltip; a dash when there is none. */
export function Time({ value }: { readonly value: string | null }) {
  if (value === null) return <>–</>;
  return (
    <time dateTime={value} title={value}>
      {formatTime(value)}
    </time>
  );
}
