import { describe, expect, it } from '@jest/globals';
import { react } from './schedule-expiry-when-consent-given.policy.ts';

const end = {
  customerId: '00000000-0000-7000-8000-00000000000c',
  purpose: 'newsletter',
  channel: 'email',
  expiresOn: '2028-02-29',
} as const;
const given = { basis: 'consent', textVersion: '1', how: 'form', givenAt: '2026-01-15T08:00:00.000Z' } as const;

describe('the end of a consent', () => {
  it('comes when its last day is over', () => {
    expect(react({ data: { ...given, ...end } })).toEqual({ dueAt: '2028-03-01T00:00:00.000Z', end });
  });
  it('never comes where there is none', () => {
    const { expiresOn: _, ...endless } = end;
    expect(react({ data: { ...given, ...endless } })).toBeUndefined();
  });
});
