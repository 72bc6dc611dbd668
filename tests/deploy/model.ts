/** Fairlead's deployment files as one model: what a check asks for, whichever kind of file it comes from. */
import { parse } from 'yaml';
import { checkSchema, type ComposeFile, type ComposeService, type SwarmFile, type SwarmService } from './schema.js';

/** Texts by their path in the repository. */
export type Sources = Readonly<Record<string, string>>;

export interface DeployedService {
  /** Such as `docker-compose.yml: placement`. */
  readonly where: string;
  readonly name: string;
  readonly own: boolean;
  readonly spec: ComposeService | SwarmService;
  readonly environment: Readonly<Record<string, string>>;
  /** Real names of networks, with the names it has there. */
  readonly networks: ReadonlyMap<string, readonly string[]>;
  /** Runs to its end. */
  readonly once: boolean;
  readonly file: DeploymentFile;
}

export interface DeploymentFile {
  readonly path: string;
  readonly kind: 'compose' | 'swarm';
  readonly content: ComposeFile | SwarmFile;
  readonly services: DeployedService[];
}

export const composePath = 'docker-compose.yml';
export const dockerfilePath = 'deploy/Dockerfile';
/** How an operator makes a production installation. */
export const swarmReadme = 'deploy/swarm/README.md';

/** What an operator has to give. */
const given: Readonly<Record<string, string>> = { FAIRLEAD_TAG: '0.1.0', PUBLIC_URL: 'https://fairlead.example.org' };

/** The image that the Dockerfile makes. */
export const ownImage = 'fairlead';

/** Reads every compose and stack file among the sources. Files that break the schema are told of and left out. */
export function readDeployment(sources: Sources): { files: DeploymentFile[]; problems: string[] } {
  const files: DeploymentFile[] = [];
  const problems: string[] = [];
  for (const [path, text] of Object.entries(sources)) {
    if (!path.endsWith('.yml')) continue;
    try {
      const kind = path === composePath ? 'compose' : 'swarm';
      const { file, problems: found } = checkSchema(kind, interpolated(parse(text, { version: '1.1', merge: true, uniqueKeys: true })));
      problems.push(...found.map((problem) => `${path}: ${problem}`));
      if (file !== undefined) files.push(deploymentFile(path, kind, file));
    } catch (error) {
      problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { files, problems };
}

/** Replaces variables in every text, as Compose and Swarm do: `${A}`, `${A:-default}`, `${A:?what is missing}`, `$$`. */
function interpolated(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$(?:\$|\{([A-Z_]+)(?::(-|\?)([^}]*))?\}|)/g, (whole, variable?: string, how?: string, text = '') => {
      if (whole === '$$') return '$';
      if (variable === undefined) throw new Error(`"${value}" holds a $ that is neither \${VARIABLE} nor $$`);
      const known = given[variable];
      if (known !== undefined) return known;
      if (how === '-') return String(text);
      throw new Error(`\${${variable}} has no default, and is none that an operator has to give`);
    });
  }
  if (Array.isArray(value)) return value.map(interpolated);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, interpolated(inner)]));
  }
  return value;
}

function deploymentFile(path: string, kind: 'compose' | 'swarm', content: ComposeFile | SwarmFile): DeploymentFile {
  const file: DeploymentFile = { path, kind, content, services: [] };
  for (const [name, spec] of Object.entries<ComposeService | SwarmService>(content.services)) {
    const once = 'restart' in spec ? spec.restart.startsWith('on-failure') : 'mode' in spec.deploy && spec.deploy.mode === 'replicated-job';
    file.services.push({
      where: `${path}: ${name}`,
      name,
      own: imageName(spec.image) === ownImage,
      spec,
      environment: spec.environment ?? {},
      networks: networksOf(file, name, spec),
      once,
      file,
    });
  }
  return file;
}

/** `fairlead` of `fairlead:0.1.0`. */
export function imageName(image: string): string {
  return image.replace(/:[^:/]*$/, '');
}

function networksOf(file: DeploymentFile, service: string, spec: ComposeService | SwarmService): Map<string, string[]> {
  const named = Array.isArray(spec.networks) ? Object.fromEntries(spec.networks.map((network) => [network, null])) : (spec.networks ?? {});
  return new Map(
    Object.entries(named).map(([network, options]) => {
      const declared = file.content.networks[network];
      const real = declared !== undefined && 'external' in declared ? declared.name : `${file.path}/${network}`;
      return [real, [service, ...(options?.aliases ?? [])]];
    }),
  );
}

/** The services of the files that run together: Compose's by itself, all of Swarm's. */
export function together(files: readonly DeploymentFile[], kind: 'compose' | 'swarm'): DeployedService[] {
  return files.filter((file) => file.kind === kind).flatMap((file) => file.services);
}

/** Milliseconds of `1m30s`. */
export function msOf(duration: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  return [...duration.matchAll(/(\d+)(ms|h|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}
