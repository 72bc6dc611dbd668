import { Command, CommanderError, Option } from 'commander';
import { describeError } from '@fairlead/contracts';
import { aggregateList } from './commands/aggregate-list.js';
import { aggregateShow } from './commands/aggregate-show.js';
import { auditChain } from './commands/audit-chain.js';
import { auditExport } from './commands/audit-export.js';
import { auditList } from './commands/audit-list.js';
import { auditSeal } from './commands/audit-seal.js';
import { auditSegments } from './commands/audit-segments.js';
import { auditVerify } from './commands/audit-verify.js';
import { bindingCreate } from './commands/binding-create.js';
import { bindingDelete } from './commands/binding-delete.js';
import { bindingList } from './commands/binding-list.js';
import { configApply, configRollback } from './commands/config-change.js';
import { configDiff, configGet, configHistory, configList, configRevision, configValidate } from './commands/config-read.js';
import { conformance } from './commands/conformance.js';
import { deadLetterDiscard } from './commands/dead-letter-discard.js';
import { deadLetterList } from './commands/dead-letter-list.js';
import { deadLetterReplay } from './commands/dead-letter-replay.js';
import { deadLetterShow } from './commands/dead-letter-show.js';
import { definitionActivations } from './commands/definition-activations.js';
import { definitionDiff } from './commands/definition-diff.js';
import { definitionGet } from './commands/definition-get.js';
import { definitionList } from './commands/definition-list.js';
import { definitionPut } from './commands/definition-put.js';
import { definitionRestore } from './commands/definition-restore.js';
import { definitionRetire } from './commands/definition-retire.js';
import { definitionValidate } from './commands/definition-validate.js';
import { definitionVersions } from './commands/definition-versions.js';
import { explain } from './commands/explain.js';
import { clusterHealth } from './commands/cluster-health.js';
import { clusterStats } from './commands/cluster-stats.js';
import { fleetHistory } from './commands/fleet-history.js';
import { fleetReload } from './commands/fleet-reload.js';
import { fleetSnapshot } from './commands/fleet-snapshot.js';
import { fleetWatch } from './commands/fleet-watch.js';
import { jobCancel } from './commands/job-cancel.js';
import { jobList } from './commands/job-list.js';
import { jobPause } from './commands/job-pause.js';
import { jobRetry } from './commands/job-retry.js';
import { jobShow } from './commands/job-show.js';
import { jobSignal } from './commands/job-signal.js';
import { jobUnpause } from './commands/job-unpause.js';
import { jobWatch } from './commands/job-watch.js';
import { lockList } from './commands/lock-list.js';
import { logShow } from './commands/log-show.js';
import { logStats } from './commands/log-stats.js';
import { logTail } from './commands/log-tail.js';
import { logVerify } from './commands/log-verify.js';
import { login } from './commands/login.js';
import { logout } from './commands/logout.js';
import { orgChange } from './commands/org-change.js';
import { orgCreate } from './commands/org-create.js';
import { orgDelete } from './commands/org-delete.js';
import { orgList } from './commands/org-list.js';
import { orgShow } from './commands/org-show.js';
import { password } from './commands/password.js';
import { placementExplain } from './commands/placement-explain.js';
import { placementExport } from './commands/placement-export.js';
import { placementImport } from './commands/placement-import.js';
import { placementRebalance } from './commands/placement-rebalance.js';
import { placementShow } from './commands/placement-show.js';
import { placementTenant } from './commands/placement-tenant.js';
import { placementWhatIf } from './commands/placement-what-if.js';
import { planApply } from './commands/plan-apply.js';
import { planApprove } from './commands/plan-approve.js';
import { planShow } from './commands/plan-show.js';
import { projectChange } from './commands/project-change.js';
import { projectCreate } from './commands/project-create.js';
import { projectDelete } from './commands/project-delete.js';
import { projectKey } from './commands/project-key.js';
import { projectList } from './commands/project-list.js';
import { projectShow } from './commands/project-show.js';
import { projectionList } from './commands/projection-list.js';
import { projectionPause } from './commands/projection-pause.js';
import { projectionRebuild } from './commands/projection-rebuild.js';
import { projectionResume } from './commands/projection-resume.js';
import { projectionShow } from './commands/projection-show.js';
import { projectionSkip } from './commands/projection-skip.js';
import { replicaList } from './commands/replica-list.js';
import { roleChange } from './commands/role-change.js';
import { roleCreate } from './commands/role-create.js';
import { roleDelete } from './commands/role-delete.js';
import { roleList } from './commands/role-list.js';
import { roleShow } from './commands/role-show.js';
import { scheduleCreate } from './commands/schedule-create.js';
import { scheduleDelete } from './commands/schedule-delete.js';
import { scheduleList } from './commands/schedule-list.js';
import { schedulePause } from './commands/schedule-pause.js';
import { scheduleResume } from './commands/schedule-resume.js';
import { serviceAccountCreate } from './commands/service-account-create.js';
import { serviceAccountDelete } from './commands/service-account-delete.js';
import { serviceAccountDisable } from './commands/service-account-disable.js';
import { serviceAccountEnable } from './commands/service-account-enable.js';
import { serviceAccountList } from './commands/service-account-list.js';
import { serviceAccountRotateToken } from './commands/service-account-rotate-token.js';
import { serviceAccountShow } from './commands/service-account-show.js';
import { serviceAccountToken } from './commands/service-account-token.js';
import { shardDecommission, shardReplace } from './commands/shard-decommission.js';
import { nodeDrain, nodeResume } from './commands/node-drain.js';
import { shardDrain, shardResume } from './commands/shard-drain.js';
import { shardList } from './commands/shard-list.js';
import { shardPut } from './commands/shard-put.js';
import { shardShow } from './commands/shard-show.js';
import { signingKeyList } from './commands/signing-key-list.js';
import { signingKeyRotate } from './commands/signing-key-rotate.js';
import { stuck } from './commands/stuck.js';
import { tenantCreate } from './commands/tenant-create.js';
import { tenantDrain } from './commands/tenant-drain.js';
import { tenantList } from './commands/tenant-list.js';
import { tenantMigrate } from './commands/tenant-migrate.js';
import { tenantRebalance } from './commands/tenant-rebalance.js';
import { tenantResume } from './commands/tenant-resume.js';
import { tenantShow } from './commands/tenant-show.js';
import { tokenCreate } from './commands/token-create.js';
import { tokenList } from './commands/token-list.js';
import { tokenRevoke } from './commands/token-revoke.js';
import { tokenRotate } from './commands/token-rotate.js';
import { totpConfirm } from './commands/totp-confirm.js';
import { totpDisable } from './commands/totp-disable.js';
import { totpEnable } from './commands/totp-enable.js';
import { totpRecoveryCodes } from './commands/totp-recovery-codes.js';
import { userResetTotp } from './commands/user-reset-totp.js';
import { webhookCreate } from './commands/webhook-create.js';
import { webhookDelete } from './commands/webhook-delete.js';
import { webhookList } from './commands/webhook-list.js';
import { webhookReplay } from './commands/webhook-replay.js';
import { webhookRotateSecret } from './commands/webhook-rotate-secret.js';
import { whoami } from './commands/whoami.js';
import { createRun, type Run } from './context.js';
import { CliError, exitCodes, type ExitCode } from './exit.js';
import type { Terminal } from './terminal.js';
import { printable } from './view/text.js';

type Register = (parent: Command, run: Run) => void;

/** Every command, by the group it belongs to. */
const groups: readonly { name: string; description: string; commands: readonly Register[] }[] = [
  {
    name: 'tenant',
    description: 'tenants: list, show, create, migrate, rebalance, drain, resume',
    commands: [tenantList, tenantShow, tenantCreate, tenantMigrate, tenantRebalance, tenantDrain, tenantResume],
  },
  {
    name: 'job',
    description: 'jobs: list, show, watch, cancel, retry, pause, unpause, signal',
    commands: [jobList, jobShow, jobWatch, jobCancel, jobRetry, jobPause, jobUnpause, jobSignal],
  },
  { name: 'plan', description: 'plans: show, approve, apply', commands: [planShow, planApprove, planApply] },
  { name: 'lock', description: 'what jobs have locked: list', commands: [lockList] },
  { name: 'replica', description: 'the processes that run jobs: list', commands: [replicaList] },
  {
    name: 'schedule',
    description: 'jobs that are started by the clock: list, create, pause, resume, delete',
    commands: [scheduleList, scheduleCreate, schedulePause, scheduleResume, scheduleDelete],
  },
  {
    name: 'placement',
    description: 'placement: show, export, import, rebalance, what-if, explain, tenant',
    commands: [placementShow, placementExport, placementImport, placementRebalance, placementWhatIf, placementExplain, placementTenant],
  },
  {
    name: 'shard',
    description: 'shards: list, show, put, drain, resume, decommission, replace',
    commands: [shardList, shardShow, shardPut, shardDrain, shardResume, shardDecommission, shardReplace],
  },
  { name: 'node', description: 'nodes, which are shards with the same label node: drain, resume', commands: [nodeDrain, nodeResume] },
  { name: 'cluster', description: 'the platform as a whole: health, stats', commands: [clusterHealth, clusterStats] },
  {
    name: 'fleet',
    description: 'the managed services: snapshot, history, watch, reload',
    commands: [fleetSnapshot, fleetHistory, fleetWatch, fleetReload],
  },
  {
    name: 'config',
    description: 'configuration documents: list, get, history, revision, diff, validate, apply, rollback',
    commands: [configList, configGet, configHistory, configRevision, configDiff, configValidate, configApply, configRollback],
  },
  {
    name: 'audit',
    description: 'the audit trail: list, chain, verify, export, segments, seal',
    commands: [auditList, auditChain, auditVerify, auditExport, auditSegments, auditSeal],
  },
  {
    name: 'dead-letter',
    description: 'messages that a consumer gave up on: list, show, replay, discard',
    commands: [deadLetterList, deadLetterShow, deadLetterReplay, deadLetterDiscard],
  },
  {
    name: 'definition',
    description: 'definitions of effects and sagas: list, get, versions, activations, validate, put, diff, retire, restore',
    commands: [
      ...[definitionList, definitionGet, definitionVersions, definitionActivations, definitionValidate, definitionPut],
      ...[definitionDiff, definitionRetire, definitionRestore],
    ],
  },
  { name: 'log', description: 'the event log: show, tail, stats, verify', commands: [logShow, logTail, logStats, logVerify] },
  { name: 'aggregate', description: 'what the log tells of one thing: list, show', commands: [aggregateList, aggregateShow] },
  {
    name: 'projection',
    description: 'projections of the log: list, show, pause, resume, rebuild, skip',
    commands: [projectionList, projectionShow, projectionPause, projectionResume, projectionRebuild, projectionSkip],
  },
  {
    name: 'token',
    description: 'API tokens for programs: create, list, rotate, revoke',
    commands: [tokenCreate, tokenList, tokenRotate, tokenRevoke],
  },
  {
    name: 'totp',
    description: 'your own second factor: enable, confirm, disable, recovery-codes',
    commands: [totpEnable, totpConfirm, totpDisable, totpRecoveryCodes],
  },
  {
    name: 'role',
    description: 'what the roles that may be held give: list, show, create, change, delete',
    commands: [roleList, roleShow, roleCreate, roleChange, roleDelete],
  },
  {
    name: 'binding',
    description: 'who holds which role, and where: list, create, delete',
    commands: [bindingList, bindingCreate, bindingDelete],
  },
  {
    name: 'service-account',
    description: 'accounts of programs: list, show, create, disable, enable, delete, token, rotate-token',
    commands: [
      ...[serviceAccountList, serviceAccountShow, serviceAccountCreate, serviceAccountDisable, serviceAccountEnable],
      ...[serviceAccountDelete, serviceAccountToken, serviceAccountRotateToken],
    ],
  },
  {
    name: 'org',
    description: 'orgs, which projects belong to: list, show, create, change, delete',
    commands: [orgList, orgShow, orgCreate, orgChange, orgDelete],
  },
  {
    name: 'project',
    description: 'projects of orgs, and their keys: list, show, create, change, delete, key',
    commands: [projectList, projectShow, projectCreate, projectChange, projectDelete, projectKey],
  },
  {
    name: 'webhook',
    description: 'who is told of events by HTTP: list, create, rotate-secret, replay, delete',
    commands: [webhookList, webhookCreate, webhookRotateSecret, webhookReplay, webhookDelete],
  },
  { name: 'user', description: 'users: reset-totp', commands: [userResetTotp] },
  {
    name: 'signing-key',
    description: 'the keys that access tokens are signed with: list, rotate',
    commands: [signingKeyList, signingKeyRotate],
  },
];
const ungrouped: readonly Register[] = [login, logout, whoami, explain, password, stuck, conformance];

const help = `
Environment:
  FAIRLEAD_URL         the gateway, instead of the session's
  FAIRLEAD_TOKEN       an API token, instead of the session
  FAIRLEAD_CONFIG_DIR  where session.json is kept (default ~/.config/fairlead)

Exit codes:
  0 done  1 failed  2 wrong usage  3 not logged in or not allowed  4 not found
  5 conflict, blocked or stale  6 timed out

Examples:
  fairlead login --url http://127.0.0.1:8080 --email admin@example.org
  fairlead tenant migrate acme --to runner-2 --reason "make room" --wait
  fairlead audit list --tenant acme -o json
`;

/** Builds the whole command line over a terminal. */
export function buildProgram(terminal: Terminal, version: string): Command {
  const run = createRun(terminal);
  const program = new Command('fairlead')
    .description("Fairlead's command line: see what runs where, plan changes, run them as jobs, read who did what.")
    .version(version)
    .addOption(new Option('-o, --output <format>', 'how results are shown').choices(['table', 'json']).default('table'))
    .option('--url <url>', 'the gateway')
    .addHelpText('after', help)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError('(--help tells more)')
    .exitOverride();
  for (const register of ungrouped) register(program, run);
  for (const { name, description, commands } of groups) {
    const group = program.command(name).description(description);
    for (const register of commands) register(group, run);
  }
  return program;
}

/** Runs one command line (without node and script) and answers its exit code; errors are told on stderr. */
export async function runCli(args: readonly string[], terminal: Terminal, version = '0.1.0'): Promise<ExitCode> {
  try {
    await buildProgram(terminal, version).parseAsync([...args], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander has told its own already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    // A CliError says itself what its causes mean.
    terminal.err(`error: ${printable(error instanceof CliError ? error.message : describeError(error))}\n`);
    return error instanceof CliError ? error.exitCode : exitCodes.failed;
  }
}
