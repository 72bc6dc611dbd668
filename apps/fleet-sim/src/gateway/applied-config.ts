import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '@fairlead/config';
import {
  configPath,
  configValue,
  platformScope,
  routeOf,
  routeTable,
  type ConfigIdentity,
  type ConfigStage,
  type ConfigValue,
  type RouteRequest,
} from '@fairlead/contracts';

/** The documents that gateways go by. */
export const gatewayConfig: readonly ConfigIdentity[] = (['routing', 'feature-flags'] as const).map((domain) => ({
  ...{ domain, name: 'default', scope: platformScope },
}));

/** Where documents come from. */
export interface ConfigFeed {
  current(identity: ConfigIdentity, stage: ConfigStage): ConfigValue | undefined;
}

export interface AppliedConfigOptions {
  readonly feed: ConfigFeed;
  /** The documents that it goes by. */
  readonly follows: readonly ConfigIdentity[];
  readonly file: string;
  /** As candidates name it: `shard/endpoint`. */
  readonly endpoint: string;
  readonly onSaveError: (error: unknown) => void;
}

const savedSchema = z.record(z.string(), configValue);

/**
 * The configuration that a member goes by: what is in force, never an older one than it has, kept on disk so that it can serve with the control plane away; and before
 * that a candidate, as long as that names this member and is newer.
 */
export class AppliedConfig {
  private constructor(
    private readonly options: AppliedConfigOptions,
    private readonly inForce: Map<string, ConfigValue>,
  ) {}

  static async open(options: AppliedConfigOptions): Promise<AppliedConfig> {
    return new AppliedConfig(options, new Map(Object.entries(await load(options.file))));
  }

  /** The document that is gone by at this moment; undefined when none was ever in force. */
  current(identity: ConfigIdentity): ConfigValue | undefined {
    const effective = this.takeEffective(identity);
    const candidate = this.options.feed.current(identity, 'candidate');
    const isMine = candidate?.gateways?.includes(this.options.endpoint) === true;
    return isMine && isNewer(candidate, effective) ? candidate : effective;
  }

  /** What `GET /admin/state` says of it: by document, which revision. */
  state(): Record<string, { epoch: number; revision: number; sha256: string }> {
    return Object.fromEntries(
      this.options.follows.flatMap((identity) => {
        const value = this.current(identity);
        return value === undefined ? [] : [[configPath(identity), { epoch: value.epoch, revision: value.revision, sha256: value.sha256 }]];
      }),
    );
  }

  /** The route that a request takes, and the revision that says so; undefined when there is none. */
  resolve(request: RouteRequest): { route: string; revision: number } | undefined {
    const value = this.current({ domain: 'routing', name: 'default', scope: platformScope });
    const table = routeTable.safeParse(value?.content);
    const route = table.success ? routeOf(table.data, request) : undefined;
    return value === undefined || route === undefined ? undefined : { route, revision: value.revision };
  }

  private takeEffective(identity: ConfigIdentity): ConfigValue | undefined {
    const path = configPath(identity);
    const known = this.inForce.get(path);
    const found = this.options.feed.current(identity, 'effective');
    if (found === undefined || !isNewer(found, known)) return known;
    this.inForce.set(path, found);
    writeFileAtomically(this.options.file, JSON.stringify(Object.fromEntries(this.inForce))).catch(this.options.onSaveError);
    return found;
  }
}

function isNewer(value: ConfigValue, than: ConfigValue | undefined): boolean {
  return than === undefined || value.epoch > than.epoch || (value.epoch === than.epoch && value.revision > than.revision);
}

/** What a member had in force; nothing when that can't be read. */
async function load(file: string): Promise<Record<string, ConfigValue>> {
  try {
    return savedSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}
