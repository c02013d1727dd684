import { describe, expect, it } from '@jest/globals';
import { erased, type FieldType } from '@throughline/contracts';
import { noFields, type FieldSet } from '../field/field-set.ts';
import { react } from './record-customer-when-form-submitted.policy.ts';

const data = {
  customerId: '0190a1b2-0000-7000-8000-000000000001',
  formId: '0190a1b2-0000-7000-8000-000000000002',
  language: 'zh' as const,
};

const setOf = (types: Record<string, FieldType>): FieldSet => ({
  ...noFields,
  fields: Object.fromEntries(
    Object.entries(types).map(([key, type]) => {
      const options = [{ value: 'tea', label: { en: 'Tea', zh: '茶' } }];
      const isChoice = type === 'multi-choice' || type === 'choice';
      return [key, { key, type, sensitivity: 'normal', retired: false, ...(isChoice && { options }) }];
    }),
  ),
});

describe('a form that was submitted', () => {
  it('makes a customer of what was filled in', () => {
    const given = { name: '李雷', customerType: 'lead', source: 'web-form', channel: 'web', campaign: 'spring' };
    expect(react({ data: { ...data, ...given, page: 'https://example.com' } }, 'C-1', noFields)).toEqual([
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
    expect(react({ data: { ...data, name: erased, source: 'web-form' } }, 'C-1', noFields)).toEqual([]);
  });

  it('fills fields of the own in their types, and leaves out what is of none', () => {
    const set = setOf({
      area: 'number',
      budget: 'money',
      since: 'date',
      vip: 'boolean',
      likes: 'multi-choice',
      taste: 'choice',
      rooms: 'number',
      rent: 'money',
      until: 'date',
      fee: 'money',
    });
    const right = { area: '1,200.50', budget: '¥3,000', since: '2026年5月3日', vip: '是', likes: '茶，coffee' };
    const wrong = { rooms: 'many', rent: '12', until: '2026-02-30', fee: '12 XYZ' };
    const custom = { ...right, ...wrong, taste: '茶', message: '5', unheard: '1,5' };
    const [made] = react({ data: { ...data, name: '李雷', custom } }, 'C-1', set);
    expect(made?.command.fields.custom).toEqual({
      area: 1200.5,
      budget: { amount: '3000', currency: 'CNY' },
      since: '2026-05-03',
      vip: true,
      // What is no option is kept, as of a source.
      likes: ['tea', 'coffee'],
      taste: 'tea',
      message: '5',
      unheard: '1,5',
    });
    expect(made?.command.leftOut).toEqual(['custom.rooms', 'custom.rent', 'custom.until', 'custom.fee']);
  });
});
