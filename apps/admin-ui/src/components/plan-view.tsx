import Alert from '@cloudscape-design/components/alert';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import type { Plan } from '../api/types.js';
import { formatDuration } from '../format.js';
import { planPath } from '../links.js';
import { Id } from './id.js';
import { PageLink } from './page-link.js';
import { Principal } from './principal.js';
import { VerdictLabel } from './status.js';
import { Time } from './time.js';

interface Props {
  readonly plan: Plan;
  /** Shown elsewhere than on its own page. */
  readonly elsewhere?: boolean;
}

/** What would be done, whether it may be, and what it means for whom. */
export function PlanView({ plan, elsewhere = false }: Props) {
  const { impact } = plan;
  return (
    <SpaceBetween size="l">
      <Approval plan={plan} elsewhere={elsewhere} />
      <Table
        variant="embedded"
        header={<Header variant="h3">Checks</Header>}
        items={plan.checks}
        trackBy="name"
        wrapLines
        columnDefinitions={[
          { id: 'verdict', header: 'Verdict', minWidth: 100, cell: ({ verdict }) => <VerdictLabel verdict={verdict} /> },
          { id: 'name', header: 'Check', cell: ({ name }) => name, isRowHeader: true },
          { id: 'value', header: 'Value', cell: ({ value }) => value },
          { id: 'limit', header: 'Limit', cell: ({ limit }) => limit },
          { id: 'message', header: 'Meaning', minWidth: 220, cell: ({ message }) => message },
        ]}
      />
      <Table
        variant="embedded"
        header={<Header variant="h3">Actions</Header>}
        items={plan.actions.map((action, index) => ({ ...action, number: index + 1 }))}
        trackBy={({ number }) => String(number)}
        wrapLines
        columnDefinitions={[
          { id: 'number', header: '#', cell: ({ number }) => number },
          { id: 'name', header: 'Action', cell: ({ name }) => name, isRowHeader: true },
          { id: 'from', header: 'From', cell: ({ from_shard_id: from }) => from ?? '–' },
          { id: 'to', header: 'To', cell: ({ to_shard_id: to }) => to ?? '–' },
          { id: 'description', header: 'What it does', minWidth: 220, cell: ({ description }) => description },
        ]}
      />
      {plan.changes.length > 0 && (
        <Table
          variant="embedded"
          header={<Header variant="h3">Changes</Header>}
          items={plan.changes}
          trackBy="pointer"
          wrapLines
          columnDefinitions={[
            { id: 'op', header: 'Change', cell: ({ op }) => op },
            { id: 'pointer', header: 'Where', cell: ({ pointer }) => (pointer === '' ? 'the document' : pointer), isRowHeader: true },
            { id: 'before', header: 'Before', cell: ({ before }) => textOf(before) },
            { id: 'after', header: 'After', cell: ({ after }) => textOf(after) },
          ]}
        />
      )}
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Tenants', value: impact.every_tenant ? 'all of them' : impact.tenants.join(', ') },
          { label: 'Services', value: impact.services.join(', ') },
          { label: 'Expected pause', value: formatDuration(impact.expected_pause_ms) },
          { label: 'Plan', value: <Id value={plan.plan_id} /> },
          { label: 'Digest', value: <Id value={plan.digest} /> },
          { label: 'Made by', value: <Principal id={plan.created_by} /> },
          { label: 'Can be started until', value: <Time value={plan.expires_at} /> },
        ]}
      />
    </SpaceBetween>
  );
}

/** As JSON; of what is not there, nothing. */
function textOf(value: unknown): string {
  return value === undefined ? '–' : JSON.stringify(value);
}

/** Whether jobs of this kind need a second person, and who that was. */
function Approval({ plan, elsewhere }: Required<Props>) {
  const { approval } = plan;
  if (approval !== null)
    return (
      <Alert type="success" header="Approved">
        By <Principal id={approval.approved_by} />, <Time value={approval.approved_at} />: {approval.reason}
      </Alert>
    );
  if (!plan.needs_approval) return null;
  return (
    <Alert type="info" header="Somebody else has to approve this plan">
      <Principal id={plan.created_by} /> has made it.
      {elsewhere && (
        <>
          {' '}
          It is approved and started on <PageLink href={planPath(plan.plan_id)}>its own page</PageLink>.
        </>
      )}
    </Alert>
  );
}

/** Why a plan's job can't be started; undefined when it can. */
export function startHindrance(plan: Plan): string | undefined {
  const blocking = plan.checks.filter(({ verdict }) => verdict === 'block').map(({ name }) => name);
  if (blocking.length > 0) return `Blocked by ${blocking.join(', ')}`;
  return plan.needs_approval && plan.approval === null ? 'Somebody else has to approve the plan' : undefined;
}
