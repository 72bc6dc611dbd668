import type { Command } from 'commander';
import type { Run } from '../context.js';
import type { Filter } from '../http/caller.js';
import { addPageOptions, pointInTime, type PageOptions } from '../options.js';
import { renderAudit } from '../view/lists.js';
import { printPage } from '../view/page.js';

interface AuditOptions extends PageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly principal?: string;
  readonly tenant?: string;
  readonly action?: string;
  readonly requestId?: string;
  readonly correlationId?: string;
  readonly traceId?: string;
  readonly job?: string;
  readonly resource?: string;
}

/** `fairlead audit list` */
export function auditList(parent: Command, run: Run): void {
  const time = pointInTime(() => new Date());
  addPageOptions(parent.command('list').description('list who did what, newest first'))
    .option('--from <time>', 'from this time on: RFC 3339, or how long ago such as 30m', time)
    .option('--to <time>', 'up to this time', time)
    .option('--principal <id>', 'only what this principal did, such as user:usr_…')
    .option('--tenant <tenant>', 'only what was done to this tenant')
    .option('--action <action>', 'one action, or those that begin so: tenant.drain*, or all of a type: job')
    .option('--request-id <id>', 'only what this request did')
    .option('--correlation-id <id>', 'only what belongs to this correlation id')
    .option('--trace-id <id>', 'only what belongs to this trace')
    .option('--job <job>', 'only what this job did')
    .option('--resource <type:id>', 'only what was done to this, such as tenant:acme')
    .addHelpText(
      'after',
      '\nExamples:\n  fairlead audit list --tenant acme --from 1h\n  fairlead audit list --correlation-id cor_… -o json\n',
    )
    .action((options: AuditOptions, command: Command) =>
      run(command, async (context) => {
        const page = await context.api().audit(filterOf(options), options);
        printPage(context, page, renderAudit);
        const { sealed_until: sealed = 0 } = page as { sealed_until?: number };
        if (!context.json && page.next_cursor == null && sealed > 0)
          context.terminal.err(`records up to position ${sealed} are in sealed segments: fairlead audit segments\n`);
      }),
    );
}

function filterOf(options: AuditOptions): Filter<'audit.list'> {
  return {
    from: options.from,
    to: options.to,
    principal: options.principal,
    tenant: options.tenant,
    action: options.action,
    request_id: options.requestId,
    correlation_id: options.correlationId,
    trace_id: options.traceId,
    job_id: options.job,
    resource: options.resource,
  };
}
