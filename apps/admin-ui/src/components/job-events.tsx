import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { client } from '../api/gateway.js';
import { followJob, type StreamState } from '../api/job-stream.js';
import { queries } from '../api/queries.js';
import type { JobEvent } from '../api/types.js';
import { coalesce } from '../coalesce.js';
import { formatDuration, formatName, progressOf } from '../format.js';
import { ProblemAlert } from './problem-alert.js';
import { Time } from './time.js';

const columns: readonly TableProps.ColumnDefinition<JobEvent>[] = [
  { id: 'time', header: 'Time', cell: (event) => <Time value={event.recorded_at} /> },
  { id: 'what', header: 'Event', cell: (event) => formatName(event.type), isRowHeader: true },
  { id: 'step', header: 'Step', cell: (event) => event.step ?? event.payload.step ?? '–' },
  { id: 'attempt', header: 'Attempt', cell: (event) => event.payload.attempt ?? '–' },
  { id: 'detail', header: 'Detail', cell: (event) => detailOf(event) },
];

function detailOf({ type, payload: { begins, error, delay_ms: delayMs, output, signal } }: JobEvent): string {
  const progress = type === 'step_progressed' ? progressOf(output ?? null) : undefined;
  const parts = [
    ...(progress === undefined ? [] : [progress]),
    ...(signal === undefined ? [] : [`signal ${signal}`]),
    ...(error === undefined ? [] : [`${error.message} (${error.code})`]),
    ...(delayMs === undefined ? [] : [`again in ${formatDuration(delayMs)}`]),
    ...(begins === undefined ? [] : [`${begins.undo === true ? 'undoing' : 'then'} ${begins.step}`]),
  ];
  return parts.length === 0 ? '–' : parts.join('; ');
}

const labels: Record<StreamState, { type: StatusIndicatorProps.Type; text: string }> = {
  connecting: { type: 'loading', text: 'Connecting' },
  live: { type: 'success', text: 'Live' },
  reconnecting: { type: 'warning', text: 'Reconnecting' },
  resting: { type: 'stopped', text: 'Complete so far' },
  ended: { type: 'stopped', text: 'Complete' },
};

interface Props {
  readonly jobId: string;
  /** The job needs attention; when that is over its next events are asked for at once. */
  readonly resting: boolean;
}

/** A job's events, as they happen; each also brings the job itself up to date. Another job takes another key. */
export function JobEvents({ jobId, resting }: Props) {
  const cache = useQueryClient();
  const [events, setEvents] = useState<readonly JobEvent[]>([]);
  const last = useRef<JobEvent>(undefined);
  const [state, setState] = useState<StreamState>('connecting');
  const [problem, setProblem] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => {
    setAttempt((count) => count + 1);
  }, []);
  useEffect(() => {
    const leaving = new AbortController();
    setProblem(undefined);
    const update = coalesce(() => cache.refetchQueries({ queryKey: queries.job(jobId).queryKey }));
    followJob({
      client,
      jobId,
      signal: leaving.signal,
      after: last.current,
      onState: setState,
      onEvent: (event) => {
        last.current = event;
        setEvents((before) => [...before, event]);
        update();
      },
    }).catch((error: unknown) => {
      if (!leaving.signal.aborted) setProblem(error);
    });
    return () => {
      leaving.abort();
    };
  }, [cache, jobId, attempt, resting]);
  const { type, text } = labels[state];
  return (
    <SpaceBetween size="s">
      {problem !== undefined && <ProblemAlert what="The events could not be followed" error={problem} onRetry={retry} />}
      <Table
        header={
          <Header variant="h2" actions={problem === undefined && <StatusIndicator type={type}>{text}</StatusIndicator>}>
            Events
          </Header>
        }
        columnDefinitions={columns}
        items={events}
        trackBy={(event) => String(event.position)}
        empty="Nothing has happened yet"
        wrapLines
      />
    </SpaceBetween>
  );
}
