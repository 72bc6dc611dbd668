import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Spinner from '@cloudscape-design/components/spinner';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { JobStatus } from '@fairlead/contracts/browser';
import { queries } from '../api/queries.js';
import type { Job, JobError, JobStep } from '../api/types.js';
import { Id } from '../components/id.js';
import { JobActions } from '../components/job-actions.js';
import { JobEvents } from '../components/job-events.js';
import { jobColumns, JobTarget } from '../components/job-columns.js';
import { ListTable } from '../components/list-table.js';
import { Page } from '../components/page.js';
import { PageLink } from '../components/page-link.js';
import { Principal } from '../components/principal.js';
import { ProblemAlert } from '../components/problem-alert.js';
import { JobStatusLabel, StepStatusLabel } from '../components/status.js';
import { Time } from '../components/time.js';
import { jobTarget } from '@fairlead/api-client';
import { durationBetween, formatDuration, progressOf } from '../format.js';
import { jobPath, listPath, planPath } from '../links.js';

const route = getRouteApi('/jobs/$jobId');

/** One job, live: its steps, its events as they happen, and what is needed to find it elsewhere. */
export default function JobPage() {
  const { jobId } = route.useParams();
  const query = useQuery(queries.job(jobId));
  const job = query.data;
  const title = job === undefined ? jobId : `${job.kind} ${jobTarget(job.params)}`;
  return (
    <Page
      title={title}
      description={job === undefined ? undefined : `Reason: ${job.reason}`}
      actions={job !== undefined && <JobActions job={job} />}
      above={[{ text: 'Jobs', href: '/jobs' }]}
    >
      {query.error !== null && <ProblemAlert what="The job could not be loaded" error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Spinner />}
      {job !== undefined && job.error !== null && <JobErrorAlert status={job.status} error={job.error} />}
      {job !== undefined && <PauseAlert job={job} />}
      {job !== undefined && job.overdue_at !== null && <OverdueAlert job={job} />}
      {job !== undefined && <Summary job={job} />}
      {job !== undefined && <Steps job={job} />}
      {job?.steps.some(({ output }) => progressOf(output) !== undefined) === true && <Children jobId={jobId} />}
      {job !== undefined && <JobEvents key={jobId} jobId={jobId} resting={job.status === 'needs_attention'} />}
    </Page>
  );
}

function JobErrorAlert({ status, error }: { readonly status: JobStatus; readonly error: JobError }) {
  return (
    <Alert
      type={status === 'needs_attention' ? 'error' : 'warning'}
      header={status === 'needs_attention' ? 'Somebody has to look at this' : 'What went wrong'}
    >
      {error.step !== null && `Step ${error.step}, attempt ${error.attempt}: `}
      {error.message} (<span className="mono">{error.code}</span>)
    </Alert>
  );
}

function PauseAlert({ job }: { readonly job: Job }) {
  if (!job.pause_requested) return null;
  return (
    <Alert type="info" header={job.paused_at === null ? 'It is asked to pause' : 'It is paused'}>
      {job.paused_at === null
        ? 'What it does right now is seen through.'
        : 'It begins nothing more until it is let go on, and keeps what it has locked.'}
      {job.paused_by !== null && (
        <>
          {' '}
          By <Principal id={job.paused_by} />
        </>
      )}
      {job.paused_at !== null && (
        <>
          {' '}
          since <Time value={job.paused_at} />
        </>
      )}
    </Alert>
  );
}

function OverdueAlert({ job }: { readonly job: Job }) {
  return (
    <Alert type="warning" header="It has passed its deadline">
      It was to end by <Time value={job.deadline} />. Look what it waits for.
    </Alert>
  );
}

/** What a job that is open waits for: another job's lock, or what its step says. */
function WaitsFor({ job }: { readonly job: Job }) {
  if (job.blocked_by !== null) return <PageLink href={jobPath(job.blocked_by)}>{job.blocked_by}</PageLink>;
  if (job.status !== 'waiting') return <>–</>;
  const parts = [...(job.note === null ? [] : [job.note]), ...(job.waits_for === null ? [] : [`the signal ${job.waits_for}`])];
  return <>{parts.length === 0 ? '–' : parts.join('; ')}</>;
}

function Summary({ job }: { readonly job: Job }) {
  const took = durationBetween(job.started_at, job.finished_at);
  return (
    <Container
      header={
        <Header variant="h2" actions={<PageLink href={listPath('/audit', { job_id: job.job_id })}>Audit of this job</PageLink>}>
          Job
        </Header>
      }
    >
      <KeyValuePairs
        columns={4}
        items={[
          { label: 'Status', value: <JobStatusLabel job={job} /> },
          { label: 'Target', value: <JobTarget params={job.params} /> },
          { label: 'By', value: <Principal id={job.principal} /> },
          { label: 'Took', value: took === undefined ? '–' : formatDuration(took) },
          { label: 'Created', value: <Time value={job.created_at} /> },
          { label: 'Started', value: <Time value={job.started_at} /> },
          { label: 'Finished', value: <Time value={job.finished_at} /> },
          { label: 'Waits for', value: <WaitsFor job={job} /> },
          ...(job.parent_id === null
            ? []
            : [{ label: 'Part of', value: <PageLink href={jobPath(job.parent_id)}>{job.parent_id}</PageLink> }]),
          { label: 'Job id', value: <Id value={job.job_id} /> },
          { label: 'Request id', value: <Id value={job.request_id} /> },
          { label: 'Correlation id', value: <Id value={job.correlation_id} /> },
          { label: 'Trace id', value: <Id value={job.trace_id} /> },
          { label: 'Plan', value: <PageLink href={planPath(job.plan_id)}>{job.plan_id}</PageLink> },
          { label: 'Plan digest', value: <Id value={job.plan_digest} /> },
        ]}
      />
    </Container>
  );
}

/** A step with how far it is: what it waits for, or what became of the jobs that it has asked for. */
type ShownStep = JobStep & { readonly progress: string | undefined };

const stepColumns: readonly TableProps.ColumnDefinition<ShownStep>[] = [
  { id: 'name', header: 'Step', cell: (step) => step.name, isRowHeader: true },
  { id: 'status', header: 'Status', minWidth: 130, cell: (step) => <StepStatusLabel status={step.status} /> },
  {
    id: 'attempts',
    header: 'Attempts',
    cell: (step) => (step.undo_attempts > 0 ? `${step.attempts}, undo ${step.undo_attempts}` : step.attempts),
  },
  { id: 'started', header: 'Started', cell: (step) => <Time value={step.started_at} /> },
  {
    id: 'took',
    header: 'Took',
    cell: (step) => {
      const ms = durationBetween(step.started_at, step.finished_at);
      return ms === undefined ? '–' : formatDuration(ms);
    },
  },
  { id: 'progress', header: 'Progress', cell: (step) => step.progress ?? '–' },
  { id: 'error', header: 'Error', cell: ({ error }) => (error === null ? '–' : `${error.message} (${error.code})`) },
];

function Steps({ job }: { readonly job: Job }) {
  const items = job.steps.map((step) => ({ ...step, progress: progressOfStep(step, job) }));
  return <Table header={<Header variant="h2">Steps</Header>} columnDefinitions={stepColumns} items={items} trackBy="name" wrapLines />;
}

function progressOfStep({ status, output, error }: JobStep, { note }: Job): string | undefined {
  if (status === 'waiting' && note !== null) return note;
  // What has failed tells how far it came in its error.
  return error === null ? progressOf(output) : undefined;
}

/** The jobs that this one has asked for, the newest of them. */
function Children({ jobId }: { readonly jobId: string }) {
  const query = useQuery(queries.jobs({ parent: jobId }));
  return (
    <ListTable
      title="Jobs that it has asked for"
      query={query}
      columns={jobColumns}
      keyOf={(job) => job.job_id}
      empty="None yet"
      actions={<PageLink href={listPath('/jobs', { parent: jobId })}>All of them</PageLink>}
    />
  );
}
