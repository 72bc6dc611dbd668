/**
 * Who may publish and subscribe what on NATS, where certificates say who somebody is. The server's configuration is made of this table
 * (tools/nats-access.mjs); who is not named here is refused.
 */
import { controlPlaneServices, type ControlPlaneService } from './permissions.js';
import type { Peer } from './rpc-access.js';
import { topology, type Topology } from './subjects.js';

/** Some subjects, and who uses them. */
export interface NatsRight {
  /** May hold wildcards. */
  readonly subject: string;
  /** In whose account they stand. Others have them imported into their own, where they hold nothing but what is imported. */
  readonly owner: ControlPlaneService;
  readonly publish?: readonly Peer[];
  readonly subscribe?: readonly Peer[];
  /** A message to them gets any number of answers. */
  readonly manyAnswers?: true;
  /** Subjects among them that are not meant. */
  readonly except?: readonly string[];
}

/** Services that have streams, and so an account with JetStream. */
export const natsStreamOwners = ['audit', 'placement'] as const satisfies readonly ControlPlaneService[];

/** What a service's inboxes begin with. */
export const natsInbox = (service: ControlPlaneService): string => `_INBOX_${service}`;

const audit = ['audit'] as const;
const placement = ['placement'] as const;
const orchestrator = ['job-orchestrator'] as const;
/** They read the log's end from EVT, by consumers that end with them. */
const followers = ['audit', 'api-gateway'] as const;
/** They read placement (docs/adr/0011). */
const placementReaders = ['fleet-observer', 'fleet'] as const;
/** Durable consumers of EVT; each bears the name of its service. */
const consumers = ['fleet-observer'] as const satisfies readonly ControlPlaneService[];

/** The table for a namespace. What is left out nobody may do. */
export function natsAccess(namespace: string): readonly NatsRight[] {
  const names = topology(namespace);
  return [
    ...ofLog(names),
    ...consumers.flatMap((consumer) => ofConsumer(names, consumer)),
    ...ofPlacement(names),
    ...ofConfig(names),
    ...ofPokes(names),
  ];
}

/** `$JS.API`, by which streams are asked and changed. */
const api = (what: string): string => `$JS.API.${what}`;

function ofLog({ streams }: Topology): NatsRight[] {
  const owner = 'audit';
  const [evt, dead, retry] = [streams.evt.name, streams.deadLetter.name, streams.retry.name];
  const ofFollowers = (what: string): NatsRight => ({
    ...{ owner, subject: api(`CONSUMER.${what}.${evt}.*`), publish: followers },
    except: consumers.map((consumer) => api(`CONSUMER.${what}.${evt}.${consumer}`)),
  });
  return [
    ...[...streams.evt.subjects, ...streams.retry.subjects].map((subject): NatsRight => ({ owner, subject, publish: audit })),
    ...[evt, dead, retry].flatMap((stream): NatsRight[] => [
      { owner, subject: api(`STREAM.INFO.${stream}`), publish: stream === evt ? followers : audit },
      { owner, subject: api(`STREAM.CREATE.${stream}`), publish: audit },
      { owner, subject: api(`STREAM.UPDATE.${stream}`), publish: audit },
      { owner, subject: api(`STREAM.MSG.GET.${stream}`), publish: audit },
      { owner, subject: api(`CONSUMER.LIST.${stream}`), publish: audit },
    ]),
    // One that does not agree with the log is replaced, and filled from it.
    { owner, subject: api(`STREAM.DELETE.${evt}`), publish: audit },
    { owner, subject: api(`STREAM.MSG.DELETE.${dead}`), publish: audit },
    { owner, subject: api(`DIRECT.GET.${dead}`), publish: audit },
    // Whether there is a consumer to replay to.
    { owner, subject: api(`CONSUMER.INFO.${retry}.*`), publish: audit },
    ...['INFO', 'CREATE', 'DELETE'].map(ofFollowers),
    { ...ofFollowers('MSG.NEXT'), manyAnswers: true },
  ];
}

/** A service's durable consumer of EVT, that of its replays, and where it puts what it gave up on. */
function ofConsumer({ streams, subjects }: Topology, name: ControlPlaneService): NatsRight[] {
  const [owner, publish] = ['audit' as const, [name]];
  return [
    { owner, subject: subjects.deadLetter(name), publish },
    ...[streams.evt.name, streams.retry.name].flatMap((stream): NatsRight[] => [
      { owner, subject: api(`CONSUMER.INFO.${stream}.${name}`), publish },
      { owner, subject: api(`CONSUMER.DURABLE.CREATE.${stream}.${name}`), publish },
      { owner, subject: api(`CONSUMER.MSG.NEXT.${stream}.${name}`), publish, manyAnswers: true },
      { owner, subject: `$JS.ACK.${stream}.${name}.>`, publish },
    ]),
  ];
}

function ofPlacement({ buckets, subjects }: Topology): NatsRight[] {
  const owner = 'placement';
  const { name } = buckets.placement;
  return [
    { owner, subject: `$KV.${name}.>`, publish: placement },
    ...['INFO', 'CREATE', 'UPDATE', 'DELETE', 'MSG.GET'].map((what): NatsRight => ({
      owner,
      subject: api(`STREAM.${what}.KV_${name}`),
      publish: placement,
    })),
    { owner, subject: api(`DIRECT.GET.KV_${name}.$KV.${name}.>`), publish: placementReaders },
    { owner, subject: `$KV.${name}.marker`, subscribe: placementReaders },
    { owner, subject: subjects.placementIncrements, publish: placement, subscribe: placementReaders },
  ];
}

/** As placement: written by its service, read value by value by the fleet. */
function ofConfig({ buckets }: Topology): NatsRight[] {
  const owner = 'placement';
  const { name } = buckets.config;
  return [
    { owner, subject: `$KV.${name}.>`, publish: placement, subscribe: ['fleet'] },
    ...['INFO', 'CREATE', 'UPDATE', 'DELETE', 'MSG.GET'].map((what): NatsRight => ({
      owner,
      subject: api(`STREAM.${what}.KV_${name}`),
      publish: placement,
    })),
    { owner, subject: api(`DIRECT.GET.KV_${name}.$KV.${name}.>`), publish: ['fleet'] },
  ];
}

function ofPokes({ subjects }: Topology): NatsRight[] {
  return [
    // What is told stands in the account of who tells it; but for the gateway, as two accounts can't both have a subject of each other.
    ...controlPlaneServices
      .filter((owner) => owner !== 'audit' && owner !== 'api-gateway')
      .map((owner): NatsRight => ({ owner, subject: subjects.logPoke, publish: [owner], subscribe: followers })),
    { owner: 'audit', subject: subjects.logPoke, publish: followers, subscribe: followers },
    { owner: 'audit', subject: subjects.relayPoke, publish: audit, subscribe: audit },
    { owner: 'audit', subject: subjects.checkpointPoke, publish: audit, subscribe: audit },
    { owner: 'job-orchestrator', subject: subjects.jobPoke, publish: orchestrator, subscribe: orchestrator },
  ];
}
