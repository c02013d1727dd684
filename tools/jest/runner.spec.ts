import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Suite {
  readonly name: string;
  readonly message: string;
  readonly assertionResults: readonly { title: string; status: string; failureMessages: readonly string[] }[];
}

/** What Jest says of suites, by their names, that one worker runs one after the other. */
function run(suites: Record<string, string>): Map<string, Suite> {
  const root = mkdtempSync(join(tmpdir(), 'throughline-runner-'));
  try {
    for (const [name, source] of Object.entries(suites)) writeFileSync(join(root, `${name}.spec.mjs`), source);
    const config = {
      rootDir: root,
      testEnvironment: 'node',
      testRunner: join(import.meta.dirname, 'runner.mjs'),
      testMatch: ['**/*.spec.mjs'],
      transform: {},
      testTimeout: 200,
    };
    const jest = join(import.meta.dirname, '..', '..', 'node_modules', 'jest', 'bin', 'jest.js');
    const { stdout } = spawnSync(process.execPath, [jest, '--json', '--config', JSON.stringify(config), '-i'], {
      encoding: 'utf8',
    });
    const { testResults } = JSON.parse(stdout) as { testResults: readonly Suite[] };
    return new Map(testResults.map((suite) => [suite.name.slice(root.length + 1, -'.spec.mjs'.length), suite]));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe('the runner of suites', () => {
  it('fails what fails, and nothing else', () => {
    const ran = run({
      a: `import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
        jest.setTimeout(20);
        it('passes', () => expect(1).toBe(1));
        it('differs', () => expect(1).toBe(2));
        it('hangs', () => new Promise(() => {}));
        it('leaves a rejection', async () => {
          void Promise.reject(new Error('left behind'));
          await new Promise((done) => setTimeout(done));
        });
        it.each([1, 2])('is asked for %i', (n) => expect(n).toBe(1));
        describe('set up in vain', () => {
          beforeAll(() => { throw new Error('no set-up'); });
          it('cannot run', () => {});
        });`,
      b: `const { promise, resolve } = Promise.withResolvers();
        it('has globals, and the time-out of all', async () => {
          setTimeout(resolve, 50);
          await promise;
        });
        it('has its own expectations', () => expect.assertions(1));`,
      c: `import './nowhere.mjs';`,
    });

    const outcomes = (name: string) =>
      ran.get(name)?.assertionResults.map(({ title, status, failureMessages }) => ({
        title,
        status,
        why: failureMessages.map((message) => message.split('\n')[0]),
      }));
    expect(outcomes('a')).toEqual([
      { title: 'passes', status: 'passed', why: [] },
      { title: 'differs', status: 'failed', why: [expect.stringContaining('expect(received).toBe(expected)')] },
      { title: 'hangs', status: 'failed', why: [expect.stringContaining('Exceeded timeout of 20 ms')] },
      { title: 'leaves a rejection', status: 'failed', why: ['Error: left behind'] },
      { title: 'is asked for 1', status: 'passed', why: [] },
      { title: 'is asked for 2', status: 'failed', why: [expect.stringContaining('expect(received).toBe(expected)')] },
      { title: 'cannot run', status: 'failed', why: ['Error: no set-up'] },
    ]);
    expect(outcomes('b')).toEqual([
      { title: 'has globals, and the time-out of all', status: 'passed', why: [] },
      { title: 'has its own expectations', status: 'failed', why: [expect.stringContaining('expect.assertions(1)')] },
    ]);
    expect(ran.get('c')?.message).toContain('nowhere.mjs');
  });
});
