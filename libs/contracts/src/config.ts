/** The configuration registry: how its documents are named, and what KV holds of them. */
import { z } from 'zod';

/** What a document of the registry may be about; apps/placement/src/config/domains has one file for each. */
export const configDomains = ['routing', 'placement', 'feature-flags', 'runner-activation'] as const;
export type ConfigDomain = (typeof configDomains)[number];

/** Where a document came from. `default`: nothing was ever applied, the domain's defaults are in force. */
export const configSources = ['default', 'dev_file', 'api'] as const;
export type ConfigSource = (typeof configSources)[number];

/** What the reason of a revision begins with that took an earlier one back; the reason of that one follows. */
export const takenBackPrefix = 'taken back: ';

/** The scope of a document that holds for the whole platform. */
export const platformScope = 'platform';

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

/** A document's scope: the platform, or one tenant. */
export const configScopePattern = new RegExp(`^(?:platform|tenants/${label})$`);

/** Which document: of a domain there may be several, by name and scope. */
export interface ConfigIdentity {
  readonly domain: ConfigDomain;
  readonly name: string;
  readonly scope: string;
}

/** The tenant that a document holds for; undefined for the whole platform. */
export function tenantOfConfig({ scope }: Pick<ConfigIdentity, 'scope'>): string | undefined {
  return scope === platformScope ? undefined : scope.slice('tenants/'.length);
}

/** A document as one text, such as `routing/platform/default`: what events, plans and locks call it. */
export function configPath({ domain, name, scope }: ConfigIdentity): string {
  return `${domain}/${scope}/${name}`;
}

/** What somebody must be permitted, besides `config.write`, to change documents of a domain. */
export function configPermission(domain: ConfigDomain): `config.${ConfigDomain}` {
  return `config.${domain}`;
}

/** The KV key of what is in force of a document, or (`candidate`) of what a sample of gateways tries first. */
export function configKey(stage: ConfigStage, identity: ConfigIdentity): string {
  return `${stage}.${configPath(identity).replaceAll('/', '.')}`;
}

export const configStages = ['effective', 'candidate'] as const;
export type ConfigStage = (typeof configStages)[number];

/**
 * What a key of the bucket CONFIG holds. A reader ignores what is older by (epoch, revision) than what it has. A candidate is for the
 * gateway endpoints that it names (`shard/endpoint`), and for nobody when it names none: it was promoted, or withdrawn.
 */
export const configValue = z.object({
  epoch: z.int().nonnegative(),
  revision: z.int().nonnegative(),
  sha256: z.string(),
  content: z.record(z.string(), z.unknown()),
  gateways: z.array(z.string()).optional(),
});
export type ConfigValue = z.output<typeof configValue>;
