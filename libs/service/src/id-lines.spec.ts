import { describe, expect, it } from '@jest/globals';
import { idLines, readIds } from './id-lines.ts';

async function* given<T>(values: readonly T[], error?: Error): AsyncIterable<T> {
  yield* values;
  if (error) throw error;
}
const all = async <T>(values: AsyncIterable<T>): Promise<T[]> => {
  const seen: T[] = [];
  for await (const value of values) seen.push(value);
  return seen;
};
const pages = [['a', 'b'], ['c']];
const bytes = async () => Buffer.from((await all(idLines(given(pages)))).join(''));

describe('ids as lines', () => {
  it('come as they were sent, wherever the pieces are cut', async () => {
    const sent = await bytes();
    for (const size of [1, 7, 1_000]) {
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, i) =>
        sent.subarray(i * size, (i + 1) * size),
      );
      expect(await all(readIds(given(pieces)))).toEqual(pages);
    }
    expect(await all(readIds(given([Buffer.from((await all(idLines(given<string[]>([])))).join(''))])))).toEqual([]);
  });

  it('do not count where they end before their time, or their sender breaks off', async () => {
    const sent = await bytes();
    for (const end of [0, 5, sent.indexOf('{'), sent.length - 1]) {
      await expect(all(readIds(given([sent.subarray(0, end)])))).rejects.toMatchObject({ status: 503 });
    }
    const broken = given([sent.subarray(0, 12)], new Error('gone'));
    await expect(all(readIds(broken))).rejects.toMatchObject({ status: 503 });
  });
});
