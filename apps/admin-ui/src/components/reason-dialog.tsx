import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemAlert } from './problem-alert.js';

interface Props {
  readonly title: string;
  /** What it would mean. */
  readonly text: string;
  /** The buttons: to do it, and to leave it. */
  readonly action: string;
  readonly dismiss: string;
  readonly run: (reason: string) => Promise<void>;
  readonly onDismiss: () => void;
}

/** Asks before something is done, and for why; closes when it is done. */
export function ReasonDialog({ title, text, action, dismiss, run, onDismiss }: Props) {
  const [reason, setReason] = useState('');
  const running = useMutation({ mutationFn: () => run(reason.trim()), onSuccess: onDismiss });
  const why = reason.trim() === '' ? 'Say why' : undefined;
  return (
    <Modal
      visible
      header={title}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              {dismiss}
            </Button>
            <Button
              variant="primary"
              loading={running.isPending}
              loadingText={action}
              disabled={why !== undefined}
              disabledReason={why}
              onClick={() => {
                running.mutate();
              }}
            >
              {action}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <span>{text}</span>
        <FormField label="Reason">
          <Input
            value={reason}
            ariaRequired
            onChange={({ detail }) => {
              setReason(detail.value.slice(0, 500));
            }}
          />
        </FormField>
        {running.error !== null && <ProblemAlert what="This was not done" error={running.error} />}
      </SpaceBetween>
    </Modal>
  );
}
