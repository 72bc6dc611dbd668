import type { Plan } from '../api.js';
import { fields, table } from './table.js';
import { cell } from './text.js';

/** The plan's checks that forbid it. */
export function blockedChecks(plan: Plan): Plan['checks'] {
  // One that does not say what it found forbids as well.
  return plan.checks.filter(({ verdict }) => verdict == null || verdict === 'block');
}

/** Whether somebody other than who made the plan has to approve it yet. */
export function awaitsApproval(plan: Plan): boolean {
  return plan.needs_approval === true && plan.approval == null;
}

/** A plan for a person to decide on: what it would do, whether it may, what it touches. */
export function renderPlan(plan: Plan): string {
  const head = fields([['plan', plan.plan_id], ['digest', plan.digest], ['expires', plan.expires_at], ...approvalOf(plan)]);
  const actions = table(
    ['#', 'action', 'kind', 'from', 'to', 'what it does'],
    plan.actions.map((action, index) => [
      index + 1,
      action.name,
      action.kind,
      action.from_shard_id,
      action.to_shard_id,
      action.description,
    ]),
  );
  const checks = table(
    ['check', 'verdict', 'value', 'limit', 'message'],
    plan.checks.map((check) => [check.name, check.verdict, check.value, check.limit, check.message]),
  );
  const changes = plan.changes == null || plan.changes.length === 0 ? '' : `\nChanges\n${indent(renderChanges(plan.changes))}`;
  return `${head}\nActions\n${indent(actions)}${changes}\nChecks\n${indent(checks)}\nImpact\n${indent(renderImpact(plan.impact))}`;
}

/** What is done to a document, a line for each place. */
export function renderChanges(changes: NonNullable<Plan['changes']>): string {
  return table(
    ['change', 'where', 'before', 'after'],
    changes.map(({ op, pointer, before, after }) => [op, pointer === '' ? 'the document' : pointer, valueOf(before), valueOf(after)]),
  );
}

const mostOfValue = 200;

/** A value as JSON, its beginning when it is long; nothing of one that is not there. */
function valueOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  return text.length > mostOfValue ? `${text.slice(0, mostOfValue)}…` : text;
}

function approvalOf(plan: Plan): (readonly [string, unknown])[] {
  if (plan.approval != null)
    return [['approved', `by ${cell(plan.approval.approved_by)}, ${cell(plan.approval.approved_at)}: ${cell(plan.approval.reason)}`]];
  return awaitsApproval(plan) ? [['approval', 'by somebody else is needed']] : [];
}

function renderImpact(impact: Plan['impact']): string {
  return fields([
    ['tenants', impact.every_tenant === true ? 'all of them' : impact.tenants?.join(', ')],
    ['services', impact.services?.join(', ')],
    ['expected pause', `${impact.expected_pause_ms ?? '-'} ms`],
  ]);
}

/** Names the checks that block, on one line each. */
export function renderBlocks(plan: Plan): string {
  return blockedChecks(plan)
    .map((check) => `${cell(check.name)}: ${cell(check.message)}`)
    .join('; ');
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}
