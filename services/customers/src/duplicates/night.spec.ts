import { describe, expect, it } from '@jest/globals';
import { nightAt } from './night.ts';

describe('a night', () => {
  it('is where the organisation is', () => {
    const now = new Date('2026-03-01T19:30:00Z');
    expect(nightAt(now, 'Asia/Shanghai')).toBe('2026-03-02');
    expect(nightAt(now, 'Europe/London')).toBeUndefined();
    expect(nightAt(new Date('2026-03-02T08:00:00Z'), 'America/New_York')).toBe('2026-03-02');
  });

  it('lasts from three to six, also where the clocks leave an hour out', () => {
    const at = (utc: string, zone: string) => nightAt(new Date(utc), zone);
    expect(at('2026-03-01T02:59:59Z', 'UTC')).toBeUndefined();
    expect(at('2026-03-01T03:00:00Z', 'UTC')).toBe('2026-03-01');
    expect(at('2026-03-01T05:59:59Z', 'UTC')).toBe('2026-03-01');
    expect(at('2026-03-01T06:00:00Z', 'UTC')).toBeUndefined();
    // In Helsinki four follows upon three that day.
    expect(at('2026-03-29T01:00:00Z', 'Europe/Helsinki')).toBe('2026-03-29');
  });
});
