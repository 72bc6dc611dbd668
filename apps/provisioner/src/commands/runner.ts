/**
 * How a command reaches a managed service, so that it takes effect once however often it is asked and whatever dies.
 *
 * 1. One transaction: the resource's fence is raised (a lower one is refused: somebody newer is in charge), the
 *    command is recorded as issued, and the event `command_issued` says so. Audit stands before the effect.
 * 2. The effect: HTTP calls under the same idempotency key and fence, which managed services obey themselves.
 * 3. One transaction: the outcome and its event, `command_succeeded` or `command_failed`.
 *
 * A repeat of the same request under the same key:
 * - succeeded: the stored answer, without a new effect;
 * - issued: a crash, a lost connection or a timeout came between 1 and 3 and the outcome is unknown, or the first
 *   call is still under way. It is asked again; the service answers what it did the first time;
 * - failed: a definite refusal, so nothing was done. It is asked again, for what it was refused for may have changed
 *   since (a tenant still draining has drained), and a step's retry has no other key to ask under. What must not be
 *   asked again is stopped by the fence.
 * Each asking is an attempt of its own in the record and in the log. Another request under the same key is refused.
 */
import { Counter } from 'prom-client';
import { describeError, FairleadError, type EventBody } from '@fairlead/contracts';
import { appendInTransaction } from '@fairlead/event-log';
import { failpoint } from '@fairlead/failpoints';
import { isConnectionError, type Database, type Transaction } from '@fairlead/postgres';
import { currentContext, type Logger, type Registry } from '@fairlead/telemetry';
import { requestHash, type CommandAnswer, type ServiceCommand } from '../domain/command.js';
import { isDefiniteRefusal } from '../domain/fleet-answers.js';
import { issueCommand, raiseFence, recordFailure, recordSuccess, type IssuedCommand } from '../store/commands.js';

export interface CommandRunner {
  /**
   * Runs a command's effect under its key and fence and answers what the effect answered, now or at an earlier
   * asking. Answers are stored as JSON. Throws `stale_fence`, `idempotency_key_reused`, or what the effect threw;
   * `unavailable` when Postgres is away: the outcome is not known then, ask again.
   */
  run<Answer extends CommandAnswer>(command: ServiceCommand, effect: () => Promise<Answer>, signal: AbortSignal): Promise<Answer>;
}

export interface CommandRunnerOptions {
  database: Database;
  logger: Logger;
  registry: Registry;
  /** Called after each commit that grew the log, with the last position. */
  onAppended: (position: number) => void;
  /** Runs between an effect and the record of its outcome: where tests let a process die. */
  afterEffect?: (command: ServiceCommand) => Promise<void>;
}

export function createCommandRunner(options: CommandRunnerOptions): CommandRunner {
  const outcomes = new Counter({
    name: 'fairlead_service_commands_total',
    help: 'Commands to managed services, by operation and outcome (repeated: answered from the record).',
    labelNames: ['operation', 'outcome'],
    registers: [options.registry],
  });
  const observed = async (command: ServiceCommand, effect: () => Promise<CommandAnswer>, signal: AbortSignal): Promise<unknown> => {
    try {
      const { answer, repeated } = await runOnce(options, command, effect, signal);
      outcomes.inc({ operation: command.operation, outcome: repeated ? 'repeated' : 'ok' });
      return answer;
    } catch (error) {
      outcomes.inc({ operation: command.operation, outcome: error instanceof FairleadError ? error.code : 'internal' });
      throw error;
    }
  };
  // Calls that ask for the same at the same moment share one run. Other replicas are held off by the fence and the
  // services' own idempotency. Bounded by the calls under way.
  const running = new Map<string, Promise<unknown>>();
  return {
    run: <Answer extends CommandAnswer>(command: ServiceCommand, effect: () => Promise<Answer>, signal: AbortSignal) => {
      const key = JSON.stringify([command.idempotencyKey, requestHash(command), command.fence]);
      const found = running.get(key);
      // The key holds the operation, so the answer is that operation's.
      if (found !== undefined) return found as Promise<Answer>;
      const run = observed(command, effect, signal).finally(() => running.delete(key));
      running.set(key, run);
      return run as Promise<Answer>;
    },
  };
}

async function runOnce(
  options: CommandRunnerOptions,
  command: ServiceCommand,
  effect: () => Promise<CommandAnswer>,
  signal: AbortSignal,
): Promise<{ answer: unknown; repeated: boolean }> {
  const point = `provisioner.${command.operation}`;
  assertWanted(signal);
  await failpoint(`${point}.before_record`);
  const issued = await inTransaction(options, (tx) => issue(tx, command));
  if (issued.status === 'succeeded') return { answer: issued.response, repeated: true };
  // A caller that has given up may be undoing already; what was issued and never sent is harmless.
  assertWanted(signal);
  await failpoint(`${point}.before_effect`);
  let answer: CommandAnswer;
  try {
    answer = await effect();
  } catch (error) {
    if (!isDefiniteRefusal(error)) throw error;
    await options.afterEffect?.(command);
    await inTransaction(options, (tx) => fail(tx, command, issued.attempt, error));
    throw error;
  }
  await options.afterEffect?.(command);
  await failpoint(`${point}.after_effect`);
  await inTransaction(options, (tx) => succeed(tx, command, issued.attempt, answer));
  await failpoint(`${point}.after_commit`);
  options.logger.info(
    { operation: command.operation, resource: command.resource, attempt: issued.attempt },
    'a managed service did as commanded',
  );
  return { answer, repeated: false };
}

function assertWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new FairleadError('deadline_exceeded', 'the caller gave up before the command was sent');
}

/** What a transaction brought, and the log's last position when it grew. */
interface Written<T> {
  value: T;
  position?: number;
}

async function issue(tx: Transaction, command: ServiceCommand): Promise<Written<IssuedCommand>> {
  const context = currentContext();
  await raiseFence(tx, command.resource, command.fence);
  const issued = await issueCommand(tx, command, { jobId: context?.jobId, step: context?.step });
  if (issued.status === 'succeeded') return { value: issued };
  return {
    value: issued,
    position: await append(tx, command, {
      type: 'command_issued',
      payload: { ...told(command, issued.attempt), request: command.request },
    }),
  };
}

async function succeed(tx: Transaction, command: ServiceCommand, attempt: number, answer: CommandAnswer): Promise<Written<void>> {
  if (!(await recordSuccess(tx, command.idempotencyKey, answer))) return { value: undefined };
  return {
    value: undefined,
    position: await append(tx, command, { type: 'command_succeeded', payload: { ...told(command, attempt), answer } }),
  };
}

async function fail(tx: Transaction, command: ServiceCommand, attempt: number, error: FairleadError): Promise<Written<void>> {
  const refusal = { code: error.code, message: describeError(error) };
  if (!(await recordFailure(tx, command.idempotencyKey, attempt, refusal))) return { value: undefined };
  return {
    value: undefined,
    position: await append(tx, command, { type: 'command_failed', payload: { ...told(command, attempt), error: refusal } }),
  };
}

/** What each event of a command says. */
function told({ operation, idempotencyKey, fence }: ServiceCommand, attempt: number) {
  return { operation, idempotency_key: idempotencyKey, fence, attempt };
}

/** The last statement of its transaction: it holds the log's lock until the commit. Answers the event's position. */
async function append(tx: Transaction, command: ServiceCommand, body: EventBody<'service_command'>): Promise<number> {
  const { idempotencyKey, resource, reason, tenantId } = command;
  const meta = { reason, ...(tenantId === undefined ? {} : { tenant_id: tenantId }) };
  const appended = await appendInTransaction(tx, {
    commandId: `provisioner:${idempotencyKey}#${body.payload.attempt}:${body.type}`,
    events: [{ aggregateType: 'service_command', aggregateId: resource, ...body, meta }],
  });
  return appended.lastPosition;
}

async function inTransaction<T>(options: CommandRunnerOptions, work: (tx: Transaction) => Promise<Written<T>>): Promise<T> {
  try {
    const { value, position } = await options.database.transaction(work);
    if (position !== undefined) options.onAppended(position);
    return value;
  } catch (error) {
    if (isConnectionError(error)) throw new FairleadError('unavailable', 'Postgres does not answer', { cause: error });
    throw error;
  }
}
