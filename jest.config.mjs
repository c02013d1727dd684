export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  testMatch: ['<rootDir>/{libs,services,apps,tools}/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.stack/', '<rootDir>/data/', '<rootDir>/.cache/'],
  testTimeout: 30_000,
  // Modules of suites that have ended stay in memory, and every look for garbage goes through them.
  workerIdleMemoryLimit: '800MB',
};
