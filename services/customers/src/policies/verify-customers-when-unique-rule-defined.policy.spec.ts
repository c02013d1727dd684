import { describe, expect, it } from '@jest/globals';
import type { ValidationRule } from '@throughline/contracts';
import { react } from './verify-customers-when-unique-rule-defined.policy.ts';

const id = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01';
const message = { zh: '不行', en: 'No.' };
const card: ValidationRule = { id: 'card', kind: 'unique', field: 'custom.card', message };
const industry: ValidationRule = { id: 'industry', kind: 'required', field: 'industry', message };
const jobs = (before: ValidationRule[], rules: ValidationRule[]) =>
  react({ id, data: { object: 'customer', rules } }, { rules: before });

describe('a verification', () => {
  it('begins where a value became unique, or another one did', () => {
    expect(jobs([industry], [industry, card])).toHaveLength(1);
    expect(jobs([card], [{ ...card, when: { field: 'type', in: ['vip'] } }])).toHaveLength(1);
    expect(jobs([], [card])).toEqual(jobs([industry], [card]));
  });

  it('does not begin for any other rule', () => {
    expect(jobs([card], [industry, { ...card }])).toEqual([]);
    expect(jobs([card], [])).toEqual([]);
  });
});
