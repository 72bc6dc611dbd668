/** Checks that what a file uses is declared, that what it declares is used, and that images and scripts exist. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contextProblems, type Dockerfile } from './dockerfile.js';
import { dockerfilePath, imageName, ownImage, type DeployedService, type DeploymentFile } from './model.js';
import type { ComposeService, SwarmService } from './schema.js';

/** Networks, volumes, configs, secrets and dependencies of one file. */
export function declarationProblems(file: DeploymentFile, root: string): string[] {
  const { content, path } = file;
  const specs = Object.values<ComposeService | SwarmService>(content.services);
  const used = {
    networks: specs.flatMap(({ networks }) => (Array.isArray(networks) ? networks : Object.keys(networks ?? {}))),
    volumes: specs.flatMap(({ volumes = [] }) =>
      volumes.flatMap((volume) => (typeof volume === 'string' ? [volume.split(':')[0] ?? ''] : [])),
    ),
    configs: specs.flatMap(({ configs = [] }) => configs.map(({ source }) => source)),
    secrets: specs.flatMap((spec) => ('secrets' in spec ? (spec.secrets ?? []).map(({ source }) => source) : [])),
  };
  const declarations: Record<keyof typeof used, object | undefined> = {
    networks: content.networks,
    volumes: content.volumes,
    configs: content.configs,
    secrets: 'secrets' in content ? content.secrets : undefined,
  };
  const problems = (Object.keys(declarations) as (keyof typeof used)[]).flatMap((kind) => {
    const declared = Object.keys(declarations[kind] ?? {});
    return [
      ...used[kind].filter((name) => !declared.includes(name)).map((name) => `${path}: ${kind}: ${name} is used and not declared`),
      ...declared.filter((name) => !used[kind].includes(name)).map((name) => `${path}: ${kind}: ${name} is declared and not used`),
    ];
  });
  for (const { file: text } of Object.values(content.configs ?? {})) {
    if (!existsSync(join(root, dirname(path), text))) problems.push(`${path}: the config ${text} does not exist`);
  }
  return [...problems, ...file.services.flatMap(dependencyProblems)];
}

function dependencyProblems({ where, spec, file }: DeployedService): string[] {
  return Object.entries('depends_on' in spec ? (spec.depends_on ?? {}) : {}).flatMap(([name, { condition }]) => {
    const other = file.services.find((candidate) => candidate.name === name);
    if (other === undefined) return [`${where}: it depends on ${name}, which does not exist`];
    return other.once === (condition === 'service_completed_successfully') ? [] : [`${where}: ${name} never becomes ${condition}`];
  });
}

/** Images are of a version, ours are built by the Dockerfile, and their commands are scripts that it puts into the image. */
export function imageProblems(services: readonly DeployedService[], dockerfile: Dockerfile, root: string, ignore: string): string[] {
  const problems = services.flatMap(({ where, spec: { image } }) =>
    /:[^:/]+$/.test(image) && !image.endsWith(':latest') ? [] : [`${where}: the image ${image} is of no version`],
  );
  const builds = services.flatMap(({ where, spec }) =>
    'build' in spec && spec.build !== undefined ? [{ where, build: spec.build, image: spec.image }] : [],
  );
  for (const { where, build, image } of builds) {
    if (build.context !== '.' || build.dockerfile !== dockerfilePath) problems.push(`${where}: it is built from elsewhere`);
    if (!dockerfile.stages.some(({ name }) => name === build.target))
      problems.push(`${where}: the Dockerfile has no target ${build.target}`);
    if (imageName(image) !== ownImage) problems.push(`${where}: what it builds is not called ${ownImage}`);
  }
  if (!dockerfile.instructions.some(({ text }) => text.includes('node apps/admin-ui/build.mjs')))
    problems.push('the image has no admin UI');
  if (builds.length !== 1) problems.push('the image has to be built by exactly one service');
  const own = services.filter((service) => service.own);
  return [...problems, ...own.flatMap((service) => scriptProblems(service, dockerfile, root, ignore))];
}

function scriptProblems({ where, spec }: DeployedService, dockerfile: Dockerfile, root: string, ignore: string): string[] {
  const script = spec.command[0] ?? '';
  const match = /^((?:apps|tools)\/[a-z-]+)\/dist\/([a-z-/]+)\.js$/.exec(script);
  const [, workspace = '', name = ''] = match ?? [];
  if (match === null || !existsSync(join(root, workspace, 'src', `${name}.ts`))) return [`${where}: there is no script ${script}`];
  const installed = dockerfile.instructions.some(({ text }) => text.includes('npm ci --omit=dev') && text.split(' ').includes(workspace));
  const built = dockerfile.instructions.some(({ text }) => text.includes(`${workspace.split('/')[0] ?? ''}/*/dist`));
  const test = spec.healthcheck !== undefined && 'test' in spec.healthcheck ? spec.healthcheck.test : [];
  return [
    ...(installed ? [] : [`${where}: the image has no packages of ${workspace}`]),
    ...(built ? [] : [`${where}: the image has no compiled ${workspace}`]),
    ...test
      .filter((word) => word.endsWith('.mjs'))
      .flatMap((path) => contextProblems(path, root, ignore).map((problem) => `${where}: ${problem}`)),
  ];
}
