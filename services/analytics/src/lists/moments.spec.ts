import { spanOf } from './moments.ts';

const clock = (now: string, timeZone = 'Asia/Shanghai') => ({ now: new Date(now), timeZone });
const read = (text: string, at = clock('2026-03-31T18:30:00Z')) => {
  const span = spanOf(text, at);
  if (typeof span !== 'object') return span;
  return [new Date(span.from).toISOString(), new Date(span.until).toISOString(), span.day];
};
const begins = (text: string, at?: ReturnType<typeof clock>) => (read(text, at) as string[])[0];

describe('a moment', () => {
  it('is an instant of its own millisecond', () => {
    expect(read('2026-03-01T08:00:00+08:00')).toEqual([
      '2026-03-01T00:00:00.000Z',
      '2026-03-01T00:00:00.001Z',
      '2026-03-01',
    ]);
  });

  it('is a whole local day where only the date is given', () => {
    expect(read('2026-03-01')).toEqual(['2026-02-28T16:00:00.000Z', '2026-03-01T16:00:00.000Z', '2026-03-01']);
    // Clocks went forward that day.
    expect(read('2026-03-29', clock('2026-01-01T00:00:00Z', 'Europe/Berlin'))).toEqual([
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
      '2026-03-29',
    ]);
  });

  it('is counted from now, on the local clock', () => {
    expect(begins('-7d')).toBe('2026-03-24T18:30:00.000Z');
    expect(begins('+36h')).toBe('2026-04-02T06:30:00.000Z');
    expect(begins('-1w', clock('2026-03-31T10:00:00Z', 'Europe/Berlin'))).toBe('2026-03-24T11:00:00.000Z');
    // It is the first of April in Shanghai already.
    expect(begins('-1M')).toBe('2026-02-28T18:30:00.000Z');
    expect(begins('-1M', clock('2026-03-31T01:00:00Z'))).toBe('2026-02-28T01:00:00.000Z');
    expect(begins('-1y', clock('2024-02-29T12:00:00Z', 'UTC'))).toBe('2023-02-28T12:00:00.000Z');
    expect(begins('now')).toBe('2026-03-31T18:30:00.000Z');
  });

  it('is the beginning of a local day, week, month, quarter or year', () => {
    expect(begins('startOfDay')).toBe('2026-03-31T16:00:00.000Z');
    expect(begins('startOfWeek')).toBe('2026-03-29T16:00:00.000Z');
    expect(begins('startOfMonth')).toBe('2026-03-31T16:00:00.000Z');
    expect(begins('startOfMonth-1M')).toBe('2026-02-28T16:00:00.000Z');
    expect(begins('startOfQuarter')).toBe('2026-03-31T16:00:00.000Z');
    expect(begins('startOfYear')).toBe('2025-12-31T16:00:00.000Z');
    expect(read('today')).toEqual(['2026-03-31T16:00:00.000Z', '2026-04-01T16:00:00.000Z', '2026-04-01']);
    expect(read('yesterday-1d')).toEqual(['2026-03-29T16:00:00.000Z', '2026-03-30T16:00:00.000Z', '2026-03-30']);
  });

  it('is nothing where the text says nothing, and impossible where the date does not exist', () => {
    expect(
      ['', 'soon', '-7', '7d', '2026-03-01T08:00:00', 'startOfCentury', '-7d7d'].map((text) => read(text)),
    ).toEqual(Array(7).fill(undefined));
    expect(['2026-02-30', '2026-13-01', '2026-02-30T00:00:00Z', '-99999y'].map((text) => read(text))).toEqual(
      Array(4).fill('impossible'),
    );
  });

  it('falls back on UTC where the zone is unknown', () => {
    expect(begins('2026-03-01', clock('2026-03-31T18:30:00Z', 'Mars/Olympus'))).toBe('2026-03-01T00:00:00.000Z');
  });
});
