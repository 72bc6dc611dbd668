/** The checks of a change of a configuration document: pure, from what was seen to a verdict. */
import { configPath, takenBackPrefix, type configV1, type fleetV1 } from '@fairlead/contracts';
import type { Check } from '../engine/kind.js';
import { configPublicationCheck, counted } from './checks.js';
import type { ConfigInputs, ConfigParams } from './config-document.js';

/** What speaks for and against putting a content in force. */
export function configChecks(params: ConfigParams, { planned, gateways, openJobId, restored, afterRestored }: ConfigInputs): Check[] {
  const { problems, followedByGateways: followed, candidateRevision: staged, publicationProblem } = planned;
  const same = planned.currentSha256 === params.sha256;
  const some = problems.slice(0, 5).map(({ pointer, detail }) => `${pointer === '' ? 'the document' : pointer}: ${detail}`);
  return [
    {
      name: 'content_valid',
      verdict: problems.length === 0 ? 'pass' : 'block',
      value: counted(problems.length, 'problem'),
      limit: 'none',
      message: problems.length === 0 ? 'all that the content refers to is there' : some.join('; '),
    },
    {
      name: 'changes_something',
      verdict: same ? 'warn' : 'pass',
      value: counted(planned.changeCount, 'change'),
      limit: 'at least one',
      message: same
        ? `this content is what is in force of ${configPath(params)}; it would be written once more`
        : planned.changeCount > planned.changes.length
          ? `the first ${String(planned.changes.length)} changes are shown`
          : 'each change is shown',
    },
    {
      name: 'nothing_staged',
      verdict: staged === 0 ? 'pass' : 'block',
      value: staged === 0 ? 'none' : `revision ${String(staged)}`,
      limit: 'none',
      message:
        staged === 0 ? 'no other change is being tried' : `revision ${String(staged)} is being tried; plan again when that has ended`,
    },
    {
      name: configPublicationCheck,
      verdict: publicationProblem === '' ? 'pass' : followed ? 'block' : 'warn',
      value: publicationProblem === '' ? 'published' : publicationProblem,
      limit: 'published',
      message:
        publicationProblem === '' ? 'changes reach the bucket CONFIG' : `changes do not reach the bucket CONFIG: ${publicationProblem}`,
    },
    ...(restored === undefined ? [] : [notTakenBack(restored, afterRestored)]),
    ...(followed ? [gatewaysFollow(gateways)] : []),
    {
      name: 'no_running_job',
      verdict: openJobId === undefined ? 'pass' : 'warn',
      value: openJobId ?? 'none',
      limit: 'none',
      message: openJobId === undefined ? 'no other job changes this domain' : `job ${openJobId} is changing this domain`,
    },
  ];
}

/** What was tried and taken back may fail again. One that had come into force was taken back by the revision right after it. */
function notTakenBack(restored: configV1.ConfigRevision, after: configV1.ConfigRevision | undefined): Check {
  const by = restored.state === 'withdrawn' ? restored : after?.reason.startsWith(takenBackPrefix) === true ? after : undefined;
  const revision = `revision ${String(restored.revision)}`;
  const told =
    by === restored
      ? `${revision} never came into force: it was tried at ${by.updatedAt} and taken back. It was made because: ${by.reason}`
      : `${revision} was taken back at ${by?.updatedAt ?? ''}. It was made because: ${restored.reason}`;
  return {
    name: 'not_taken_back',
    verdict: by === undefined ? 'pass' : 'warn',
    value: by === undefined ? 'no' : 'taken back',
    limit: 'no',
    message: by === undefined ? `${revision} was not taken back` : told,
  };
}

/** Gateways that are not alive, or go by no documents, are not waited for: they are listed. */
function gatewaysFollow(gateways: readonly fleetV1.GatewayConfig[]): Check {
  const following = gateways.filter(({ alive, follows }) => alive && follows);
  const others = gateways.filter((gateway) => !following.includes(gateway)).map(({ shardId, endpointId }) => `${shardId}/${endpointId}`);
  const none = 'no gateway that is alive goes by configuration documents: nobody would try this first';
  return {
    name: 'gateways_follow',
    verdict: following.length > 0 && others.length === 0 ? 'pass' : 'warn',
    value: `${String(following.length)} of ${String(gateways.length)}`,
    limit: 'all',
    message:
      following.length === 0
        ? none
        : others.length === 0
          ? 'all gateways are alive and go by the document'
          : `not waited for, as not alive or without documents: ${others.join(', ')}`,
  };
}
