import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Spinner from '@cloudscape-design/components/spinner';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { changeOperations, isChangeKind } from '@fairlead/api-client';
import { useState } from 'react';
import { client } from '../api/gateway.js';
import { newKey } from '../api/keys.js';
import { queries } from '../api/queries.js';
import type { Plan } from '../api/types.js';
import { Page } from '../components/page.js';
import { PlanView, startHindrance } from '../components/plan-view.js';
import { useDenied, useUser } from '../components/principal.js';
import { ProblemAlert } from '../components/problem-alert.js';
import { ReasonDialog } from '../components/reason-dialog.js';
import { jobTarget } from '@fairlead/api-client';
import { jobPath } from '../links.js';

const route = getRouteApi('/plans/$planId');

/** One plan, for who has to approve it and for who starts its job then. */
export default function PlanPage() {
  const { planId } = route.useParams();
  const query = useQuery(queries.plan(planId));
  const plan = query.data;
  return (
    <Page
      title={plan === undefined ? planId : `Plan: ${plan.kind} ${jobTarget(plan.params)}`}
      description={plan === undefined ? undefined : `Reason: ${plan.reason}`}
      actions={plan !== undefined && <PlanActions key={plan.plan_id} plan={plan} />}
      above={[{ text: 'Jobs', href: '/jobs' }]}
    >
      {query.error !== null && (
        <ProblemAlert what="The plan could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.isPending && <Spinner />}
      {plan !== undefined && (
        <Container>
          <PlanView plan={plan} />
        </Container>
      )}
    </Page>
  );
}

const dialogs = {
  approve: {
    text: 'You say that this plan may be carried out as it is shown here. Whoever may run such jobs can start it then.',
    action: 'Approve',
    dismiss: 'Not now',
  },
  start: {
    text: 'Its job begins at once, or waits its turn behind others on the same.',
    action: 'Start job',
    dismiss: 'Not now',
  },
} as const;

function PlanActions({ plan }: { readonly plan: Plan }) {
  const cache = useQueryClient();
  const router = useRouter();
  const [open, setOpen] = useState<keyof typeof dialogs>();
  /** However often it is pressed, it starts one job. */
  const [idempotencyKey] = useState(newKey);
  const user = useUser();
  const denied = useDenied('plan.approve');
  const whyNoApproval =
    denied ?? (plan.created_by === user.principal ? 'Somebody other than who made the plan has to approve it' : undefined);
  const whyNoStart = startHindrance(plan);
  const run = async (reason: string) => {
    if (open === 'approve') {
      const approved = await client.call('plans.approve', { path: { id: plan.plan_id }, body: { reason } });
      cache.setQueryData(queries.plan(plan.plan_id).queryKey, approved);
    } else {
      if (!isChangeKind(plan.kind)) throw new Error(`This page does not know how jobs of kind ${plan.kind} are started`);
      const started = await client.call(changeOperations[plan.kind].start, {
        headers: { 'Idempotency-Key': idempotencyKey },
        body: { plan_digest: plan.plan_id, reason },
      });
      router.history.push(jobPath(started.job_id));
    }
  };
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        {plan.needs_approval && plan.approval === null && (
          <Button
            disabled={whyNoApproval !== undefined}
            disabledReason={whyNoApproval}
            onClick={() => {
              setOpen('approve');
            }}
          >
            Approve
          </Button>
        )}
        <Button
          variant="primary"
          disabled={whyNoStart !== undefined}
          disabledReason={whyNoStart}
          onClick={() => {
            setOpen('start');
          }}
        >
          Start job
        </Button>
      </SpaceBetween>
      {open !== undefined && (
        <ReasonDialog
          {...dialogs[open]}
          title={`${dialogs[open].action}: ${plan.kind} ${jobTarget(plan.params)}?`}
          run={run}
          onDismiss={() => {
            setOpen(undefined);
          }}
        />
      )}
    </>
  );
}
