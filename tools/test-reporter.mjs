import { writeFileSync } from 'node:fs';

/** Hands the totals to test.mjs. A suite that fails to run counts as one failure. */
export default class TestReporter {
  onRunComplete(_contexts, results) {
    const passed = results.numPassedTests;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    writeFileSync(process.env.THROUGHLINE_TEST_RESULT, JSON.stringify({ passed, failed }));
  }
}
