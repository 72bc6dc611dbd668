/** Definitions of effects and sagas as people read them. */
import type { DefinitionActivation, DefinitionContent, DefinitionDiff, DefinitionVerdict, DefinitionVersion } from '../definitions-api.js';
import { fields, table } from './table.js';

/** As long as tells hashes apart. */
const short = (sha256: string | null | undefined) => sha256?.slice(0, 12);
const stateOf = ({ retired_at: at }: DefinitionVersion) => (at == null ? '' : `retired ${at}`);

/** Definitions, each with its newest version. */
export function renderDefinitions(definitions: readonly DefinitionVersion[]): string {
  return table(
    ['name', 'kind', 'newest', 'hash', 'created', 'state', 'description'],
    definitions.map((one) => [one.name, one.kind, one.version, short(one.sha256), one.created_at, stateOf(one), one.description]),
  );
}

/** The versions of one definition. */
export function renderVersions(versions: readonly DefinitionVersion[]): string {
  return table(
    ['version', 'hash', 'created', 'by', 'reason', 'state'],
    versions.map((one) => [one.version, short(one.sha256), one.created_at, one.created_by, one.reason, stateOf(one)]),
  );
}

/** A version with its content. */
export function renderDefinition(definition: DefinitionContent): string {
  return fields([
    ['name', definition.name],
    ['kind', definition.kind],
    ['version', definition.version],
    ['sha256', definition.sha256],
    ['created', definition.created_at],
    ['by', definition.created_by],
    ['reason', definition.reason],
    ...(definition.retired_at == null
      ? []
      : ([
          ['retired', definition.retired_at],
          ['retired by', definition.retired_by],
          ['retired for', definition.retired_reason],
        ] as const)),
  ]).concat('\n', renderContent(definition));
}

/** The content alone, as it can be put again. */
export function renderContent({ content }: DefinitionContent): string {
  return `${JSON.stringify(content ?? {}, null, 2)}\n`;
}

/** What is wrong with a definition, or that nothing is. */
export function renderVerdict({ valid, code, errors, sha256, name, version }: DefinitionVerdict): string {
  if (valid === true)
    return fields([
      ['name', name],
      ['version', version == null ? 'a new one' : `${String(version)}, which has this content already`],
      ['sha256', sha256],
    ]);
  return `${code ?? 'config_invalid'}\n${table(
    ['where', 'what'],
    (errors ?? []).map((error) => [error.pointer === '' ? '/' : error.pointer, error.detail]),
  )}`;
}

/** What has to be done to one version to make it another. */
export function renderDefinitionDiff({ changes }: DefinitionDiff): string {
  if (changes == null || changes.length === 0) return 'nothing differs\n';
  return table(
    ['change', 'where', 'before', 'after'],
    changes.map(({ op, pointer, before, after }) => [op, pointer, valueOf(before), valueOf(after)]),
  );
}

/** Who is given which version. */
export function renderActivations(activations: readonly DefinitionActivation[]): string {
  return table(
    ['tenant', 'version', 'document', 'state'],
    activations.map((one) => [
      ...[one.tenant_id ?? 'everybody else', one.version ?? 'off', one.document],
      one.staged === true ? 'staged' : 'in force',
    ]),
  );
}

const valueOf = (value: unknown) => (value === undefined ? '' : JSON.stringify(value));
