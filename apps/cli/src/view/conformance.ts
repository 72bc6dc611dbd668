import type { ConformanceReport, RuleVerdict } from '@fairlead/fleet-conformance';
import { table } from './table.js';
import { printable } from './text.js';

/** What the check does, before it does it. */
export function conformancePlan(
  url: string,
  { kind, tenant, peer, commands }: { kind: string; tenant: string; peer?: string; commands?: string },
): string {
  const lines = [
    `This checks the ${kind} at ${url} against the fleet contract. It sends`,
    '- reads of /health, /ready, /metrics and /admin/…, and reload',
  ];
  if (kind !== 'gateway') {
    lines.push(`- drain, resume, export, import and drop, several hundred times, for the tenant ${tenant}`);
    if (peer !== undefined) lines.push(`- import, resume, drain, export and drop for the same tenant to ${peer}`);
    if (commands !== undefined) lines.push(`- numbered commands for it to ${commands}`);
    lines.push(`and drops ${tenant} at the end: what it holds is lost, and its fence is higher than before. No other tenant is touched.`);
  } else lines.push('and changes nothing.');
  return `${lines.map(printable).join('\n')}\n`;
}

/** One rule's verdict, as it is found. */
export function renderVerdict({ rule, verdict, title }: RuleVerdict): string {
  return `${rule.padEnd(3)} ${words[verdict].padEnd(11)} ${title}\n`;
}

/** What was found of each rule. */
export function renderConformance({ verdicts, conforms }: ConformanceReport): string {
  const rows = verdicts.map((one) => [one.rule, one.mandatory ? 'M' : 'R', words[one.verdict], one.title]);
  const broken = verdicts
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ rule, expected = '', got = '' }) => `\n${rule}\n  expected  ${printable(expected)}\n  got       ${printable(got)}\n`);
  const unchecked = verdicts
    .filter(({ verdict }) => verdict === 'not_checked')
    .map(({ rule, why = '' }) => `${rule.padEnd(3)} ${printable(why)}\n`);
  const passed = verdicts.filter(({ verdict }) => verdict === 'pass').length;
  return [
    table(['rule', '', 'verdict', 'what'], rows),
    ...broken,
    ...(unchecked.length === 0 ? [] : ['\nNot checked\n', ...unchecked]),
    `\n${String(passed)} of ${String(verdicts.length)} rules kept, ${String(broken.length)} broken, ${String(unchecked.length)} not checked: `,
    conforms ? 'the service conforms\n' : 'the service does not conform\n',
  ].join('');
}

const words = { pass: 'pass', fail: 'FAIL', not_checked: 'not checked' } as const;
