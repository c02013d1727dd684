import { describe, expect, it } from '@jest/globals';
import { repeatsAmong } from './repeats.ts';

describe('rows that are known by the same', () => {
  it('are duplicates of the first one, and counted with it', () => {
    const { duplicates, times } = repeatsAmong([
      { line: 2, values: ['a', 'b'] },
      { line: 3, values: ['c'] },
      { line: 4, values: [] },
      { line: 5, values: ['b', 'd'] },
      { line: 7, values: ['d'] },
    ]);
    expect([...duplicates]).toEqual([
      [5, 2],
      [7, 5],
    ]);
    expect([...times]).toEqual([
      [2, 2],
      [3, 1],
      [5, 3],
      [7, 2],
    ]);
  });
});
