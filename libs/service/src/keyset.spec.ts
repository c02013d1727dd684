import { describe, expect, it } from '@jest/globals';
import { keysetPage, keysetPlace } from './keyset.ts';

const id = '018f2a00-0000-7000-8000-000000000001';
const cursorOf = (text: string) => Buffer.from(text).toString('base64url');

describe('a page of a list', () => {
  it.each([
    ['instant', '2026-11-22T20:00:00.123456Z'],
    ['instant', '2026-11-22T20:00:00.000Z'],
    ['instant', '2026-11-22T20:00:00Z'],
    ['number', '-3.75'],
    ['number', '1e-7'],
  ] as const)('goes on after the last item of the one before, by %s: %s', (sortedBy, value) => {
    const rows = [
      { id, value },
      { id: 'more', value },
    ];
    const { items, nextCursor } = keysetPage(rows, 1, (row) => row.value);
    expect(items).toEqual(rows.slice(0, 1));
    expect(keysetPlace(nextCursor as string, sortedBy)).toEqual({ value, id });
    expect(keysetPage(rows, 2, (row) => row.value).nextCursor).toBeNull();
    expect(keysetPlace(undefined, sortedBy)).toBeUndefined();
  });

  it.each([
    'zzz',
    cursorOf(`soon ${id}`),
    cursorOf(`2026-13-45T20:00:00.000Z ${id}`),
    cursorOf('2026-11-22T20:00:00Z x'),
  ])('is none of a cursor that nobody gave: %s', (cursor) => {
    for (const sortedBy of ['instant', 'number'] as const) {
      expect(() => keysetPlace(cursor, sortedBy)).toThrow(
        expect.objectContaining({ errors: [{ path: 'cursor', code: 'wrong-cursor' }] }),
      );
    }
  });
});
