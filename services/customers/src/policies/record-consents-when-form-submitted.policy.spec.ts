import { describe, expect, it } from '@jest/globals';
import { erased } from '@throughline/contracts';
import { react } from './record-consents-when-form-submitted.policy.ts';

const occurredAt = '2026-01-15T08:00:00.000Z';
const data = {
  customerId: '0190a1b2-0000-7000-8000-000000000001',
  formId: '0190a1b2-0000-7000-8000-000000000002',
  name: '李雷',
  language: 'zh' as const,
  page: 'https://example.com/join',
};
const consents = [
  { purpose: 'newsletter', channel: 'email', textVersion: 3, language: 'en' as const },
  { purpose: 'profiling', textVersion: 3, language: 'en' as const },
];

describe('a form that was submitted', () => {
  it('gives the consents that the person agreed to, with the form’s text and its page for proof', () => {
    const given = {
      type: 'GiveConsent',
      customerId: data.customerId,
      basis: 'consent',
      textVersion: `${data.formId}/3`,
      language: 'en',
      how: 'form',
      page: data.page,
      occurredAt,
    };
    expect(react({ occurredAt, data: { ...data, consents } })).toEqual([
      { ...given, purpose: 'newsletter', channel: 'email' },
      { ...given, purpose: 'profiling' },
    ]);
  });

  it('without consent, or by somebody who was erased since, gives none', () => {
    expect(react({ occurredAt, data })).toEqual([]);
    expect(react({ occurredAt, data: { ...data, name: erased, page: erased, consents } })).toEqual([]);
  });
});
