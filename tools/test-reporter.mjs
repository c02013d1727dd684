import { writeFileSync } from 'node:fs';

/** Hands the totals to test.mjs, with the names of what failed. A suite that fails to run counts as one failure. */
export default class TestReporter {
  onRunComplete(_contexts, results) {
    const passed = results.numPassedTests;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const failures = results.testResults.flatMap(({ testFilePath, testExecError, testResults }) => {
      const names = testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
      return (testExecError ? ['did not run', ...names] : names).map((name) => ({ file: testFilePath, name }));
    });
    writeFileSync(process.env.THROUGHLINE_TEST_RESULT, JSON.stringify({ passed, failed, failures }));
  }
}
