import type { z } from 'zod';
import type { ConfigDomain, ConfigIdentity } from '@fairlead/contracts';
import type { Content } from '../domain/canonical.js';
import type { Problem } from '../domain/problems.js';

/** A shard, as far as documents refer to it. */
export interface KnownShard {
  readonly kind: string;
  readonly shardId: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Of definitions, all versions that there are. */
export type KnownVersions = ReadonlyMap<string, ReadonlyMap<number, { readonly retired: boolean }>>;

/** Where a document names a version of a definition. */
export interface NamedVersion {
  readonly pointer: string;
  readonly definition: string;
  /** Null: for everybody. */
  readonly tenantId: string | null;
  /** Null: none, it is off. */
  readonly version: number | null;
}

/** What a document is held against: what was there when it was looked at. */
export interface World {
  readonly shards: readonly KnownShard[];
  /** Of the tenants that the document refers to, those that there are. */
  readonly tenants: ReadonlySet<string>;
  /** Those that the document refers to. */
  readonly definitions: KnownVersions;
  /** Why an endpoint can't be used, or undefined. */
  readonly endpointProblem: (url: string) => string | undefined;
}

/** Who a change touches: services as `kind/shard`, or `placement` for the control plane itself. */
export interface ConfigImpact {
  readonly services: readonly string[];
  readonly tenants: readonly string[];
  /** Every tenant there is, none of them named. */
  readonly everyTenant: boolean;
}

/** One domain: what its documents hold, what is right, and what a change of one touches. All of it pure. */
export interface Domain<Document = unknown> {
  readonly name: ConfigDomain;
  /** May there be documents of one tenant. */
  readonly tenantScopes: boolean;
  /** Strict: a member that is not known is a slip. Fills in what may be left out. */
  readonly schema: z.ZodType<Document>;
  /** Members that documents had once: revisions that are kept may have them still, and they mean nothing. New texts may not. */
  readonly retired?: readonly string[];
  /** What is in force as long as nothing was applied. */
  readonly defaults: Document;
  /** Gateways route by a document of this identity, so that its changes are rolled out to some of them first. */
  readonly followedByGateways: (identity: ConfigIdentity) => boolean;
  /** The tenants that a document names. */
  readonly tenantsOf: (document: Document) => readonly string[];
  /** The versions of definitions that a document names. */
  readonly versionsOf?: (document: Document) => readonly NamedVersion[];
  /** What a schema can't see: references that lead nowhere, and what contradicts itself. */
  readonly problems: (document: Document, world: World, identity: ConfigIdentity) => Problem[];
  readonly impact: (before: Document, after: Document, world: World, identity: ConfigIdentity) => ConfigImpact;
}

/** A domain whose document nobody needs to know the form of. */
export function defineDomain<Document extends Content>(domain: Domain<Document>): Domain<Content> {
  return domain as unknown as Domain<Content>;
}

/** What a content that is kept means by now: itself, without the members that the domain has no more. */
export function withoutRetired({ retired = [] }: Pick<Domain, 'retired'>, content: Content): Content {
  return Object.fromEntries(Object.entries(content).filter(([name]) => !retired.includes(name)));
}

/** `kind/shard` of every gateway. */
export function gatewaysOf({ shards }: World): string[] {
  return shards.filter(({ kind }) => kind === 'gateway').map(({ kind, shardId }) => `${kind}/${shardId}`);
}
