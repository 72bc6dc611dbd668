// Type-aware lint for all TypeScript, basic rules for the plain tools. `npm run lint` runs it with the import rules.
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const typescript = ['{apps,libs,tools}/*/src/**/*.ts', 'tests/**/*.ts'];
/** The admin UI is a program of its own: for browsers, with JSX. */
const ui = ['apps/admin-ui/src/**/*.{ts,tsx}'];
const specs = ['**/*.spec.ts', '**/*.fixture.ts', '**/src/testing/**/*.ts'];
const plainTools = ['*.mjs', 'tools/**/*.{mjs,cjs}', 'apps/*/*.mjs', 'apps/*/bin/*.mjs', 'deploy/*.mjs'];

/** Mistakes in any JavaScript that the compiler does not look at. */
const basicRules = {
  'constructor-super': 'error',
  'for-direction': 'error',
  'no-async-promise-executor': 'error',
  'no-compare-neg-zero': 'error',
  'no-cond-assign': 'error',
  'no-const-assign': 'error',
  'no-constant-condition': 'error',
  'no-control-regex': 'error',
  'no-debugger': 'error',
  'no-dupe-args': 'error',
  'no-dupe-class-members': 'error',
  'no-dupe-else-if': 'error',
  'no-dupe-keys': 'error',
  'no-duplicate-case': 'error',
  'no-empty': 'error',
  'no-func-assign': 'error',
  'no-import-assign': 'error',
  'no-loss-of-precision': 'error',
  'no-promise-executor-return': 'error',
  'no-redeclare': 'error',
  'no-self-assign': 'error',
  'no-sparse-arrays': 'error',
  'no-this-before-super': 'error',
  'no-undef': 'error',
  'no-unreachable': 'error',
  'no-unsafe-finally': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'no-useless-escape': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'use-isnan': 'error',
  'valid-typeof': 'error',
};

const nodeGlobals = [
  ...['AbortController', 'AbortSignal', 'Buffer', 'console', 'fetch', 'performance', 'process', 'structuredClone'],
  ...['setImmediate', 'setInterval', 'setTimeout', 'clearImmediate', 'clearInterval', 'clearTimeout'],
  ...['TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'],
];
const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

/** Habits of this code base, beyond what strictTypeChecked knows. */
const houseRules = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
  'no-var': 'error',
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
  'prefer-const': 'error',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  // Nest modules are empty classes under a decorator.
  '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
  // Nest and others declare their options as classes and take plain objects for them.
  '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
  // Never rewrite value imports to type imports: Nest injects by the value, and the rule can't see that.
  '@typescript-eslint/consistent-type-imports': 'off',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  '@typescript-eslint/no-invalid-void-type': ['error', { allowInGenericTypeArguments: true, allowAsThisParameter: true }],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
};

const testsAreWhole = [
  {
    selector: 'MemberExpression[object.name=/^(describe|it|test)$/][property.name=/^(only|skip|todo|failing)$/]',
    message: 'A test runs always and whole: no only, skip, todo or failing.',
  },
  { selector: 'CallExpression[callee.name=/^(fit|fdescribe|xit|xdescribe|xtest)$/]', message: 'A test runs always and whole.' },
];

const clockAndChance = 'domain/ is pure: take times and ids as arguments.';
const pureDomain = {
  'no-restricted-globals': [
    'error',
    ...['process', 'fetch', 'crypto', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({
      name,
      message: clockAndChance,
    })),
  ],
  'no-restricted-imports': [
    'error',
    { paths: [{ name: 'node:crypto', importNames: ['randomBytes', 'randomInt', 'randomUUID'], message: clockAndChance }] },
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: clockAndChance },
    { object: 'Math', property: 'random', message: clockAndChance },
  ],
  'no-restricted-syntax': [
    'error',
    { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: clockAndChance },
    { selector: 'CallExpression[callee.name="newId"]', message: clockAndChance },
  ],
};

export default defineConfig(
  globalIgnores(['**/dist/', '**/node_modules/', '**/generated/', '.fairlead/', '.nx/', '.cache/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: plainTools,
    languageOptions: { ecmaVersion: 2024, globals: readonly(nodeGlobals) },
    rules: basicRules,
  },
  {
    files: ['tools/**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: readonly(['module', 'require', '__dirname', 'exports']) },
  },
  {
    files: [...typescript, ...ui],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      // One program of everything, specs too, that reads libraries from source: lint needs no build.
      parserOptions: { project: ['./tsconfig.specs.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: houseRules,
  },
  {
    files: ui,
    languageOptions: { parserOptions: { project: ['apps/admin-ui/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Callbacks of components are one-liners that answer nothing.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  // Services and libraries write through their logger, the CLI to its streams.
  { files: ['{apps,libs}/*/src/**/*.{ts,tsx}'], rules: { 'no-console': 'error' } },
  { files: ['**/domain/**/*.ts'], ignores: specs, rules: pureDomain },
  {
    files: [...specs, 'tests/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...testsAreWhole],
      // expect(object.method) takes methods by name, and calls none of them.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
