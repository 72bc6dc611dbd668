import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Modal from '@cloudscape-design/components/modal';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { placedKinds, type PlacedKind } from '@fairlead/contracts/browser';
import { useState } from 'react';
import { client } from '../api/gateway.js';
import { newKey } from '../api/keys.js';
import { asProblem } from '../api/problem.js';
import { queries } from '../api/queries.js';
import type { Plan, Shard, Tenant } from '../api/types.js';
import { formatName } from '../format.js';
import { jobPath } from '../links.js';
import { PlanView, startHindrance } from './plan-view.js';
import { ProblemAlert } from './problem-alert.js';

interface Props {
  readonly tenant: Tenant;
  readonly onDismiss: () => void;
}

type Moves = Partial<Record<PlacedKind, string>>;
/** A plan with the key that makes its start happen once, however often it is asked for. */
interface Planned {
  readonly plan: Plan;
  readonly idempotencyKey: string;
}

/** The plan is of a world that has moved on: only a new one helps. */
const outdated: readonly string[] = ['plan_stale', 'plan_expired', 'plan_blocked', 'plan_not_found'];

/** Where to, why, the plan, and only then the start. */
export function MigrateDialog({ tenant, onDismiss }: Props) {
  const router = useRouter();
  const [moves, setMoves] = useState<Moves>({});
  const [reason, setReason] = useState('');
  const shards = useQuery(queries.shards());
  const planning = useMutation({
    mutationFn: async (): Promise<Planned> => ({
      plan: await client.call('plans.migrate', {
        headers: { 'Idempotency-Key': newKey() },
        body: { tenant: tenant.tenant_id, to: moves, reason: reason.trim() },
      }),
      idempotencyKey: newKey(),
    }),
    onMutate: () => {
      starting.reset();
    },
  });
  const starting = useMutation({
    mutationFn: ({ plan, idempotencyKey }: Planned) =>
      client.call('jobs.migrate', {
        headers: { 'Idempotency-Key': idempotencyKey },
        body: { plan_digest: plan.digest, reason: plan.reason },
      }),
    onSuccess: ({ job_id: jobId }) => {
      router.history.push(jobPath(jobId));
    },
  });
  const { data: planned } = planning;
  /** What was planned is not what is chosen now. */
  const change = () => {
    planning.reset();
    starting.reset();
  };
  const isOutdated = starting.error !== null && outdated.includes(asProblem(starting.error).code);
  const whyNoPlan =
    Object.keys(moves).length === 0 ? 'Choose another shard for at least one kind' : reason.trim() === '' ? 'Say why' : undefined;
  const whyNoStart =
    planned === undefined
      ? 'Plan first'
      : (startHindrance(planned.plan) ?? (isOutdated ? 'The plan no longer holds: plan again' : undefined));
  return (
    <Modal
      visible
      size="max"
      header={`Migrate ${tenant.tenant_id}`}
      onDismiss={onDismiss}
      footer={
        // Here for it is always in sight, however long the plan is.
        <SpaceBetween size="s">
          {starting.error !== null && (
            <ProblemAlert what={isOutdated ? 'The plan no longer holds' : 'The migration was not started'} error={starting.error} />
          )}
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={onDismiss}>
                Close
              </Button>
              <Button
                variant={planned === undefined || isOutdated ? 'primary' : 'normal'}
                loading={planning.isPending}
                loadingText="Planning"
                disabled={whyNoPlan !== undefined}
                disabledReason={whyNoPlan}
                onClick={() => {
                  planning.mutate();
                }}
              >
                {planned === undefined ? 'Plan' : 'Plan again'}
              </Button>
              <Button
                variant={planned === undefined || isOutdated ? 'normal' : 'primary'}
                loading={starting.isPending || starting.isSuccess}
                loadingText="Starting"
                disabled={whyNoStart !== undefined}
                disabledReason={whyNoStart}
                onClick={() => {
                  if (planned !== undefined) starting.mutate(planned);
                }}
              >
                Start migration
              </Button>
            </SpaceBetween>
          </Box>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {shards.error !== null && (
          <ProblemAlert what="The shards could not be loaded" error={shards.error} onRetry={() => void shards.refetch()} />
        )}
        <ColumnLayout columns={3}>
          {placedKinds.map((kind) => (
            <TargetField
              key={kind}
              kind={kind}
              present={tenant.placement[kind]?.shard}
              target={moves[kind]}
              shards={shards.data?.items ?? []}
              loading={shards.isPending}
              onChange={(shard) => {
                change();
                const { [kind]: _, ...others } = moves;
                setMoves(shard === undefined ? others : { ...others, [kind]: shard });
              }}
            />
          ))}
        </ColumnLayout>
        <FormField
          label="Reason"
          description="Kept with the job and in the audit trail"
          constraintText={`${reason.trim().length} of 500 characters`}
        >
          <Textarea
            value={reason}
            rows={2}
            ariaRequired
            onChange={({ detail }) => {
              change();
              setReason(detail.value.slice(0, 500));
            }}
          />
        </FormField>
        {planning.error !== null && <ProblemAlert what="No plan could be made" error={planning.error} />}
        {planned !== undefined && <PlanView plan={planned.plan} elsewhere />}
      </SpaceBetween>
    </Modal>
  );
}

interface TargetFieldProps {
  readonly kind: PlacedKind;
  readonly present: string | undefined;
  readonly target: string | undefined;
  readonly shards: readonly Shard[];
  readonly loading: boolean;
  /** Undefined: the tenant stays. */
  readonly onChange: (shardId: string | undefined) => void;
}

function TargetField({ kind, present, target, shards, loading, onChange }: TargetFieldProps) {
  const stay = { value: '', label: present === undefined ? 'Not placed' : `Stay on ${present}` };
  const options = [
    stay,
    ...shards
      .filter((shard) => shard.kind === kind && shard.shard_id !== present)
      .map((shard) => ({ value: shard.shard_id, label: shard.shard_id, description: `${shard.state}, ${shard.tenants} tenants` })),
  ];
  return (
    <FormField label={formatName(kind)}>
      <Select
        options={options}
        selectedOption={options.find(({ value }) => value === target) ?? stay}
        statusType={loading ? 'loading' : 'finished'}
        loadingText="Loading shards"
        onChange={({ detail }) => {
          const { value } = detail.selectedOption;
          onChange(value === '' ? undefined : value);
        }}
      />
    </FormField>
  );
}
