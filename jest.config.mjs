const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['fairlead-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  resolver: '<rootDir>/tools/jest-resolver.cjs',
  setupFiles: ['reflect-metadata'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.fairlead/'],
};

/** For tests with real servers: makes the run's folder and ends what was started, also after a crash. */
const servers = { globalSetup: '<rootDir>/libs/testing/run/setup.mjs', globalTeardown: '<rootDir>/libs/testing/run/teardown.mjs' };

export default {
  coverageProvider: 'v8',
  // Only what hangs is to reach it, however busy the machine is.
  testTimeout: 60_000,
  // Jest keeps of each file what its modules hold: a process that is full is slow before it fails, so a new one takes over.
  workerIdleMemoryLimit: '1GB',
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/{apps,libs,tools}/*/src/**/*.spec.ts',
        '<rootDir>/tests/deploy/*.spec.ts',
        '<rootDir>/tests/histories/*.spec.ts',
      ],
      testPathIgnorePatterns: ['\\.int\\.spec\\.ts$', '/node_modules/', '/dist/'],
    },
    {
      ...base,
      ...servers,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,libs,tools}/*/src/**/*.int.spec.ts', '<rootDir>/tests/deploy/*.int.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/'],
    },
    {
      ...base,
      ...servers,
      displayName: 'e2e',
      setupFiles: [...base.setupFiles, '<rootDir>/tests/e2e/support/given-nats.ts'],
      testMatch: ['<rootDir>/tests/**/*.e2e.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/'],
    },
  ],
};
