import { describe, expect, it } from '@jest/globals';
import { keysOf, latecomers, repeatsAmong } from './repeats.ts';

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

describe('rows with values that only one customer may have', () => {
  const row = (line: number, id: string, ...values: string[]) => ({ line, id, values });

  it('come too late after the first one, unless that one is left out or of the same record', () => {
    const rows = [row(2, 'A', 'x'), row(3, 'B', 'x', 'y'), row(4, 'C', 'y'), row(5, 'A', 'x', 'z'), row(6, 'D', 'z')];
    expect([...latecomers(rows, new Map()).late]).toEqual([
      [3, { value: 'x', first: 2 }],
      [6, { value: 'z', first: 5 }],
    ]);
  });

  it('come too late after those of the pieces before, and the same when they are told once more', () => {
    const first = row(2, 'A', 'x');
    const rows = [row(503, 'B', 'x'), row(504, 'A', 'x'), row(505, 'B', 'y'), row(506, 'C', 'y')];
    const before = keysOf(first).map((key) => [key, 2] as const);
    const told = latecomers(rows, new Map(before));
    expect([...told.late.keys()]).toEqual([503, 506]);
    const since = told.taken.flatMap((one) => keysOf(one).map((key) => [key, one.line] as const));
    expect(latecomers(rows, new Map([...since, ...before]))).toEqual(told);
  });
});
