/** What the Dockerfile says, as far as the checks ask. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Instruction {
  readonly name: string;
  readonly text: string;
  readonly stage: string;
}

export interface Dockerfile {
  readonly stages: readonly { readonly name: string; readonly from: string }[];
  readonly instructions: readonly Instruction[];
  /** Of the ARGs before the first stage. */
  readonly defaults: ReadonlyMap<string, string>;
}

/** Reads a Dockerfile: comments dropped, continued lines joined. */
export function readDockerfile(text: string): Dockerfile {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages: { name: string; from: string }[] = [];
  const defaults = new Map<string, string>();
  const instructions = lines.map((line): Instruction => {
    const [name = '', ...rest] = line.split(/\s+/);
    const words = rest.join(' ');
    if (name === 'FROM') {
      const match = /^(\S+)(?: AS (\S+))?$/i.exec(words);
      stages.push({ from: match?.[1] ?? '', name: match?.[2] ?? '' });
    }
    const argument = /^(\w+)=(.*)$/.exec(words);
    if (name === 'ARG' && stages.length === 0 && argument !== null) defaults.set(argument[1] ?? '', argument[2] ?? '');
    return { name, text: words, stage: stages.at(-1)?.name ?? '' };
  });
  return { stages, instructions, defaults };
}

/** What is wrong with a Dockerfile by itself, given the repository it builds and what `.dockerignore` lets through. */
export function dockerfileProblems(dockerfile: Dockerfile, root: string, ignore: string): string[] {
  const problems: string[] = [];
  const names = dockerfile.stages.map(({ name }) => name);
  for (const [index, { from }] of dockerfile.stages.entries()) {
    const image = from.replace(/\$\{(\w+)\}/, (_, name: string) => dockerfile.defaults.get(name) ?? '');
    if (names.slice(0, index).includes(from)) continue;
    if (!/^[^:@]+:[^:]+$/.test(image) || image.endsWith(':latest')) problems.push(`FROM ${from}: no stage, and no image with a version`);
  }
  for (const { name, text, stage } of dockerfile.instructions) {
    if (name !== 'COPY') continue;
    const from = /--from=(\S+)/.exec(text)?.[1];
    const paths = text.split(' ').filter((word) => !word.startsWith('--'));
    if (from === undefined) {
      for (const path of paths.slice(0, -1)) problems.push(...contextProblems(path, root, ignore));
    } else if (!names.slice(0, names.indexOf(stage)).includes(from)) problems.push(`COPY --from=${from}: there is no such stage before it`);
  }
  const last = names.at(-1) ?? '';
  const final = dockerfile.instructions.filter(({ stage }) => stage === last);
  const valueOf = (name: string) => final.filter((instruction) => instruction.name === name).at(-1)?.text;
  const user = valueOf('USER');
  if (user === undefined || /^(root|0)\b/.test(user)) problems.push('the image runs as root');
  if (valueOf('STOPSIGNAL') !== 'SIGTERM') problems.push('the image is not stopped by SIGTERM');
  if (valueOf('ENTRYPOINT')?.startsWith('[') !== true) problems.push('the entry point is a shell, which passes no signals on');
  if (!final.some(({ name, text }) => name === 'ENV' && /\bNODE_ENV=production\b/.test(text)))
    problems.push('NODE_ENV is not production: failpoints could be switched on');
  return problems;
}

/** A path of the build context has to exist and to be let through. */
export function contextProblems(path: string, root: string, ignore: string): string[] {
  if (path === '.') return [];
  if (!existsSync(join(root, path))) return [`${path}: there is no such file`];
  const allowed = ignore
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  return allowed.some((entry) => path === entry || path.startsWith(`${entry}/`)) ? [] : [`${path}: .dockerignore keeps it out`];
}
