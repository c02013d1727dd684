import { describe, expect, it } from '@jest/globals';
import { erased } from '@throughline/contracts';
import { react } from './record-customer-when-form-submitted.policy.ts';

const data = {
  customerId: '0190a1b2-0000-7000-8000-000000000001',
  formId: '0190a1b2-0000-7000-8000-000000000002',
  language: 'zh' as const,
};

describe('a form that was submitted', () => {
  it('makes a customer of what was filled in', () => {
    const given = { name: '李雷', customerType: 'lead', source: 'web-form', channel: 'web', campaign: 'spring' };
    expect(react({ data: { ...data, ...given, page: 'https://example.com' } }, 'C-1')).toEqual([
      {
        id: data.customerId,
        command: {
          type: 'CreateCustomer',
          number: 'C-1',
          fields: { name: '李雷', type: 'lead', source: 'web-form', channel: 'web', campaign: 'spring' },
        },
      },
    ]);
  });

  it('by somebody who was erased since makes none', () => {
    expect(react({ data: { ...data, name: erased, source: 'web-form' } }, 'C-1')).toEqual([]);
  });
});
