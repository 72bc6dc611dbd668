// Import rules, made from what each workspace's package.json says of it: its Nx tags and its dependencies.
// `npm run lint` runs them; a workspace without exactly one `type:` tag fails before anything is looked at.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = import.meta.dirname;
const types = ['app', 'lib', 'tool', 'testing'];

const manifestOf = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));

/** Every folder of the workspaces that holds a package.json, or sources that should have one. */
function workspaceFolders() {
  return manifestOf('.').workspaces.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -2);
    return readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${parent}/${entry.name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json')) || existsSync(join(root, folder, 'src')));
  });
}

function readWorkspace(folder) {
  if (!existsSync(join(root, folder, 'package.json'))) throw new Error(`${folder} has no package.json`);
  const manifest = manifestOf(folder);
  const tags = manifest.nx?.tags ?? [];
  const declared = tags.filter((tag) => tag.startsWith('type:')).map((tag) => tag.slice(5));
  if (declared.length !== 1 || !types.includes(declared[0])) {
    throw new Error(`${folder}/package.json: nx.tags must hold exactly one of ${types.map((type) => `type:${type}`).join(', ')}`);
  }
  return { folder, name: manifest.name, type: declared[0], tags, dependencies: Object.keys(manifest.dependencies ?? {}) };
}

const workspaces = workspaceFolders().map(readWorkspace);
const below = (list) => (list.length === 0 ? '^$' : `^(${list.map(({ folder }) => folder).join('|')})/`);
const ofType = (...wanted) => below(workspaces.filter(({ type }) => wanted.includes(type)));
const contracts = below(workspaces.filter(({ tags }) => tags.includes('layer:contracts')));
/** Specs, and what only specs import: `*.fixture.ts` beside them or a `testing` folder. No build holds them. */
const spec = '(\\.spec\\.ts|\\.fixture\\.ts)$|/src/testing/';
const specHelper = '\\.fixture\\.ts$|/src/testing/';
const anyWorkspace = '^(apps|libs|tools)/[^/]+/';

/** What a workspace may import of ours is what it declares; specs also get the fixtures and what those are made of. */
const testing = workspaces.filter(({ type }) => type === 'testing');
const fixtures = workspaces.filter((one) => testing.some(({ name, dependencies }) => name === one.name || dependencies.includes(one.name)));
const undeclaredWorkspaces = workspaces.flatMap(({ folder, dependencies }) => {
  const allowed = workspaces.filter((other) => other.folder === folder || dependencies.includes(other.name));
  const comment = `Declare it in ${folder}/package.json (and in its tsconfig's references), or do without it.`;
  return [
    {
      name: 'undeclared-workspace',
      comment,
      severity: 'error',
      from: { path: `^${folder}/`, pathNot: spec },
      to: { path: anyWorkspace, pathNot: below(allowed) },
    },
    {
      name: 'undeclared-workspace-in-spec',
      comment,
      severity: 'error',
      from: { path: `^${folder}/.*(${spec})` },
      to: { path: anyWorkspace, pathNot: below([...allowed, ...fixtures]) },
    },
  ];
});

/** Development packages that every spec may use; the root's package.json declares them. */
const specPackages = ['@jest/globals', 'fast-check', '@nestjs/testing'];
const installed = (names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;
const rootPackages = Object.keys({ ...manifestOf('.').devDependencies, ...manifestOf('.').dependencies });
for (const name of specPackages) if (!rootPackages.includes(name)) throw new Error(`package.json does not declare ${name}`);

export default {
  forbidden: [
    {
      name: 'lib-imports-no-app',
      comment: 'A library serves apps and tools; it knows none of them.',
      severity: 'error',
      from: { path: ofType('lib', 'testing') },
      to: { path: ofType('app', 'tool') },
    },
    {
      name: 'app-imports-no-app',
      comment: 'Services meet over gRPC and events, never as code.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'app-imports-no-tool',
      comment: 'Tools run apps, not the other way round.',
      severity: 'error',
      from: { path: ofType('app') },
      to: { path: ofType('tool') },
    },
    {
      name: 'fixtures-in-specs-only',
      comment: 'Test fixtures never reach a build.',
      severity: 'error',
      from: { path: anyWorkspace, pathNot: [spec, ofType('testing')] },
      to: { path: ofType('testing') },
    },
    {
      name: 'spec-helpers-in-specs-only',
      comment: 'What helps specs is left out of the build, so nothing built may need it.',
      severity: 'error',
      from: { path: anyWorkspace, pathNot: [spec, ofType('testing')] },
      to: { path: specHelper },
    },
    {
      name: 'contracts-import-nothing-of-ours',
      comment: 'Contracts are below everything.',
      severity: 'error',
      from: { path: contracts },
      to: { path: anyWorkspace, pathNot: contracts },
    },
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one module, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...undeclaredWorkspaces,
    {
      name: 'workspaces-by-name',
      comment: "Another workspace is imported by its package's name, which shows only what it exports.",
      severity: 'error',
      from: { path: '^(apps|libs|tools)/([^/]+)/' },
      to: { path: anyWorkspace, pathNot: '^$1/$2/', dependencyTypes: ['local'] },
    },
    {
      name: 'undeclared-package',
      comment: "A package that the workspace's package.json does not declare is there by luck.",
      severity: 'error',
      from: { path: anyWorkspace },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: installed([...specPackages, 'node']) },
    },
    {
      name: 'test-packages-in-specs-only',
      comment: 'Test packages are development dependencies of the root.',
      severity: 'error',
      from: { path: anyWorkspace, pathNot: spec },
      to: { path: installed(specPackages), dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'unresolvable',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain/ holds decisions: no framework, database, bus, transport, file or socket.',
      severity: 'error',
      from: { path: '/domain/', pathNot: spec },
      to: {
        path: [
          '(^|/)node_modules/(@nestjs|@nats-io|@grpc|typeorm|pg|undici|fastify)/',
          '^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|timers|crypto)(/|$)',
        ],
        // Hashing is a pure function; what else crypto offers, randomness, is caught by the linter.
        pathNot: '^(node:)?crypto$',
      },
    },
    {
      name: 'domain-is-pure-of-our-edges',
      comment: 'domain/ may name the types of our technology libraries, it never calls them.',
      severity: 'error',
      from: { path: '/domain/', pathNot: spec },
      to: {
        path: '^libs/(postgres|messaging|event-log|placement-map|placement-reader|rpc|service-runtime|local-servers|config)/',
        dependencyTypesNot: ['type-only'],
      },
    },
  ],
  options: {
    // Generated code and builds follow rules of their own.
    exclude: { path: '(/dist/|/generated/)' },
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.specs.json' },
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['fairlead-source', 'import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
