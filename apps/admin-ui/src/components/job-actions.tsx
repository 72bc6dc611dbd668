import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { isTerminal } from '@fairlead/contracts/browser';
import { useState } from 'react';
import { client } from '../api/gateway.js';
import { queries } from '../api/queries.js';
import type { Job } from '../api/types.js';
import { jobTarget } from '@fairlead/api-client';
import { useDenied } from './principal.js';
import { ReasonDialog } from './reason-dialog.js';

const dialogs = {
  cancel: {
    text: "What the job has done so far is undone, in reverse. Past its point of no return a job can't be cancelled.",
    action: 'Cancel job',
    dismiss: 'Let it go on',
  },
  retry: {
    text: 'The job goes on where it stopped. Cure the cause first: the error tells it.',
    action: 'Try again',
    dismiss: 'Leave it',
  },
  pause: {
    text: 'What the job does right now is seen through; then it begins nothing more until it is let go on. It keeps what it has locked.',
    action: 'Pause',
    dismiss: 'Let it go on',
  },
  unpause: {
    text: 'The job goes on where it stopped. The time that it was paused does not count against its limits.',
    action: 'Go on',
    dismiss: 'Leave it',
  },
} as const;

/** What can be done with a job: pause, let go on or cancel it while it is open, let it go on when it needed attention. */
export function JobActions({ job }: { readonly job: Job }) {
  const cache = useQueryClient();
  const [open, setOpen] = useState<keyof typeof dialogs>();
  const [cancelDenied, retryDenied, pauseDenied] = [useDenied('job.cancel'), useDenied('job.retry'), useDenied('job.pause')];
  const whyNoCancel = cancelDenied ?? cancelHindrance(job);
  const run = async (reason: string) => {
    if (open === undefined) return;
    const changed = await client.call(`jobs.${open}`, { path: { id: job.job_id }, body: { reason } });
    cache.setQueryData(queries.job(job.job_id).queryKey, changed);
  };
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        {job.status === 'needs_attention' && (
          <Button
            variant="primary"
            disabled={retryDenied !== undefined}
            disabledReason={retryDenied}
            onClick={() => {
              setOpen('retry');
            }}
          >
            Try again
          </Button>
        )}
        {!isTerminal(job.status) && (
          <Button
            disabled={pauseDenied !== undefined}
            disabledReason={pauseDenied}
            onClick={() => {
              setOpen(job.pause_requested ? 'unpause' : 'pause');
            }}
          >
            {dialogs[job.pause_requested ? 'unpause' : 'pause'].action}
          </Button>
        )}
        <Button
          disabled={whyNoCancel !== undefined}
          disabledReason={whyNoCancel}
          onClick={() => {
            setOpen('cancel');
          }}
        >
          Cancel job
        </Button>
      </SpaceBetween>
      {open !== undefined && (
        <ReasonDialog
          {...dialogs[open]}
          title={`${dialogs[open].action}: ${job.kind} ${jobTarget(job.params)}?`}
          run={run}
          onDismiss={() => {
            setOpen(undefined);
          }}
        />
      )}
    </>
  );
}

function cancelHindrance(job: Job): string | undefined {
  if (isTerminal(job.status)) return 'The job has ended';
  return job.cancel_requested ? 'It is being cancelled' : undefined;
}
