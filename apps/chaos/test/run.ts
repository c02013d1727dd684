import { expect } from '@jest/globals';
import { runChaos } from '../src/run.ts';
import { linesOf } from '../src/verdict.ts';

/** A small run; what it said is shown where it fails. */
export async function expectToPass(options: { seed: string; events: number; faults: number; stack: boolean }) {
  const lines: string[] = [];
  const tell = (line: string) => void lines.push(line);
  const { signal } = new AbortController();
  const verdict = await runChaos({ ...options, minutes: 3, client: 'kafkajs', tell, signal });
  const said = [...lines, ...linesOf(verdict)];
  if (!verdict.passed) throw new Error(said.join('\n'));
  expect(said).toEqual(expect.arrayContaining(['lost 0', 'doubled 0', 'reordered 0', 'deadlocks 0']));
  expect(said.at(-1)).toBe('verdict: passed');
  expect(verdict.erased).toEqual({ people: expect.any(Number), remaining: 0 });
  expect(verdict.erased.people).toBeGreaterThan(0);
  expect(verdict.acknowledged).toBeGreaterThanOrEqual(options.events);
  expect(verdict.appended).toBeGreaterThan(verdict.acknowledged);
  return said;
}
