// Jest's own test runner, but for its sandbox: suites and sources are Node's modules, as they are in production, and what
// one suite of a worker has loaded the next one finds loaded. See docs/adr/0011.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setGlobals } from './globals.mjs';

const require = createRequire(import.meta.url);
const circus = join(dirname(require.resolve('jest-circus/package.json')), 'build', 'jestAdapterInit.js');

/** Runs the suite at a path, and returns what Jest's own runner returns. */
export default async function run(globalConfig, config, environment, runtime, testPath, sendMessageToJest) {
  // Each suite gets a circus of its own, as it would in a sandbox of its own.
  delete require.cache[circus];
  delete globalThis[Symbol.for('EVENT_HANDLERS')];
  delete globalThis[Symbol.for('TEST_TIMEOUT_SYMBOL')];
  const { initialize, runAndTransformResultsToJestFormat } = require(circus);
  await initialize({
    config,
    environment,
    globalConfig,
    localRequire: require,
    parentProcess: process,
    runtime,
    sendMessageToJest,
    setGlobalsForRuntime: setGlobals,
    testPath,
  });
  Error.prepareStackTrace = undefined; // Jest's knows no source maps of ours, Node's does
  await import(pathToFileURL(testPath));
  return runAndTransformResultsToJestFormat({ config, globalConfig, testPath });
}
