import { date, epoch, instant, odataInstant } from './instants.ts';

describe('an instant', () => {
  it.each([
    ['2026-02-10T23:30:00+08:00', '2026-02-10T15:30:00.000Z'],
    ['2008-01-10T11:00:00-05:00', '2008-01-10T16:00:00.000Z'],
    ['2026-01-01T00:00:00.1234567Z', '2026-01-01T00:00:00.123Z'],
    ['2026-01-01 00:00:00+0530', '2025-12-31T18:30:00.000Z'],
    ['2026-01-01T00:00+08', '2025-12-31T16:00:00.000Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['0099-12-31T00:00:00Z', '0099-12-31T00:00:00.000Z'],
  ])('%s is %s', (from, to) => {
    expect(instant(from)).toBe(to);
  });
  it.each([
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '0000-00-00T00:00:00Z',
    '2026-01-01T00:00:00+25:00',
    '2026-01-01T00:00:00',
    'yesterday',
    '',
  ])('is not %j', (text) => {
    expect(() => instant(text, { pointer: '/at' })).toThrow(expect.objectContaining({ pointer: '/at' }) as Error);
  });
  it.each([
    ['2026-07-01T12:00:00', 'Europe/Berlin', '2026-07-01T10:00:00.000Z'],
    ['2026-01-01', 'Asia/Shanghai', '2025-12-31T16:00:00.000Z'],
    ['2026-01-01', 'UTC', '2026-01-01T00:00:00.000Z'],
    // The clocks skip from two to three, and show the hour from two to three twice.
    ['2026-03-29T02:30:00', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-03-29T01:59:59.5', 'Europe/Berlin', '2026-03-29T00:59:59.500Z'],
    ['2026-03-29T03:00:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['2026-07-01T12:00:00Z', 'Europe/Berlin', '2026-07-01T12:00:00.000Z'],
  ])('%s in %s is %s', (from, timeZone, to) => {
    expect(instant(from, { timeZone })).toBe(to);
  });
  it('is read from OData V2', () => {
    expect(odataInstant('/Date(1492041600000)/')).toBe('2017-04-13T00:00:00.000Z');
    expect(odataInstant('/Date(1492098664407+0000)/')).toBe('2017-04-13T15:51:04.407Z');
    expect(odataInstant('/Date(1492098664407+0480)/')).toBe('2017-04-13T15:51:04.407Z');
    expect(odataInstant('/Date(-1000)/')).toBe('1969-12-31T23:59:59.000Z');
    expect(odataInstant('/Date(1677801600000)/', { time: 'PT13H29M05S' })).toBe('2023-03-03T13:29:05.000Z');
    expect(odataInstant('2023-03-03T13:29:05')).toBe('2023-03-03T13:29:05.000Z');
    expect(() => odataInstant('/Date(soon)/')).toThrow('exists');
    expect(() => odataInstant('/Date(999999999999999)/')).toThrow('exists');
  });
  it('is read from seconds and milliseconds', () => {
    expect(epoch('1700000000', 'seconds')).toBe('2023-11-14T22:13:20.000Z');
    expect(epoch('1700000000.5', 'seconds')).toBe('2023-11-14T22:13:20.500Z');
    expect(epoch('1700000000123', 'milliseconds')).toBe('2023-11-14T22:13:20.123Z');
    expect(() => epoch('now', 'seconds')).toThrow('exists');
  });
  it('gives its local date', () => {
    expect(date('2026-02-10T23:30:00+08:00')).toBe('2026-02-10');
    expect(date('20260210')).toBe('2026-02-10');
    expect(() => date('2026-02-31')).toThrow('exists');
  });
});
