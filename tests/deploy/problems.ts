/** All checks of the deployment files. */
import { dirname, join } from 'node:path';
import { addressProblems, poolProblems } from './connections.js';
import { dockerfileProblems, readDockerfile } from './dockerfile.js';
import { dockerfilePath, readDeployment, swarmReadme, together, type DeployedService, type Sources } from './model.js';
import { declarationProblems, imageProblems } from './references.js';
import { handOutProblems, privilegeProblems, secretProblems, simulatedFleetProblems, updateProblems, volumeProblems } from './safety.js';
import { configOf, inlineSecrets } from './settings.js';

export interface Surroundings {
  /** The repository. */
  readonly root: string;
  /** A folder with every secret, made as an operator makes them. */
  readonly secretFiles: string;
  /** The files that each reader is meant to get. */
  readonly made: Readonly<Record<string, readonly string[]>>;
}

/** @returns what is wrong with the files, each in a sentence; nothing when an operator may use them */
export function problemsOf(sources: Sources, around: Surroundings): string[] {
  const { files, problems } = readDeployment(sources);
  const dockerfile = readDockerfile(sources[dockerfilePath] ?? '');
  const ignore = sources['.dockerignore'] ?? '';
  const services = files.flatMap((file) => file.services);
  const configTexts = ({ spec, file }: DeployedService) =>
    (spec.configs ?? []).map(({ source }) => sources[join(dirname(file.path), file.content.configs?.[source]?.file ?? '')] ?? '');
  const poolOf = (service: DeployedService) =>
    service.own ? Number(configOf(service, around.secretFiles).config?.['DATABASE_POOL_SIZE'] ?? 0) : 0;
  return [
    ...problems,
    ...[...dockerfileProblems(dockerfile, around.root, ignore), ...volumeProblems(services, dockerfile)].map(
      (problem) => `${dockerfilePath}: ${problem}`,
    ),
    ...files.flatMap((file) => declarationProblems(file, around.root)),
    ...imageProblems(services, dockerfile, around.root, ignore),
    ...services.flatMap((service) => [
      ...privilegeProblems(service),
      ...inlineSecrets(service, around.secretFiles),
      ...secretProblems(service, around.made, configTexts(service)),
      ...updateProblems(service, dockerfile),
      ...(service.own ? configOf(service, around.secretFiles).problems : []),
      ...addressProblems(service, together(files, service.file.kind)),
    ]),
    ...handOutProblems(services, around.made),
    ...simulatedFleetProblems(services, sources[swarmReadme] ?? ''),
    ...(['compose', 'swarm'] as const).flatMap((kind) => poolProblems(together(files, kind), poolOf)),
  ];
}
