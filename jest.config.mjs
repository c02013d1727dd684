export default {
  testEnvironment: 'node',
  testRunner: '<rootDir>/tools/jest/runner.mjs',
  testSequencer: '<rootDir>/tools/jest/sequencer.mjs',
  transform: {},
  testMatch: ['<rootDir>/{libs,services,apps,tools}/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.stack/', '<rootDir>/data/', '<rootDir>/.cache/'],
  testTimeout: 30_000,
  // What suites that have ended left in memory is gone through by every look for garbage.
  workerIdleMemoryLimit: '800MB',
};
