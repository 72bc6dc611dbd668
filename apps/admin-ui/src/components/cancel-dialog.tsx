import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/gateway.js';
import { queries } from '../api/queries.js';
import type { Job } from '../api/types.js';
import { targetOf } from '../format.js';
import { ProblemAlert } from './problem-alert.js';

/** Asks before a job is cancelled, and for why. */
export function CancelDialog({ job, onDismiss }: { readonly job: Job; readonly onDismiss: () => void }) {
  const cache = useQueryClient();
  const [reason, setReason] = useState('');
  const cancelling = useMutation({
    mutationFn: () => client.post<Job>(`/admin/v1/jobs/${encodeURIComponent(job.job_id)}/cancel`, { reason: reason.trim() }),
    onSuccess: (cancelled) => {
      cache.setQueryData(queries.job(job.job_id).queryKey, cancelled);
      onDismiss();
    },
  });
  const why = reason.trim() === '' ? 'Say why' : undefined;
  return (
    <Modal
      visible
      header={`Cancel ${job.kind} ${targetOf(job.params)}?`}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Let it go on
            </Button>
            <Button
              variant="primary"
              loading={cancelling.isPending}
              loadingText="Cancelling"
              disabled={why !== undefined}
              disabledReason={why}
              onClick={() => {
                cancelling.mutate();
              }}
            >
              Cancel job
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <span>What the job has done so far is undone, in reverse. Past its point of no return a job can't be cancelled.</span>
        <FormField label="Reason">
          <Input
            value={reason}
            ariaRequired
            onChange={({ detail }) => {
              setReason(detail.value.slice(0, 500));
            }}
          />
        </FormField>
        {cancelling.error !== null && <ProblemAlert what="The job was not cancelled" error={cancelling.error} />}
      </SpaceBetween>
    </Modal>
  );
}
