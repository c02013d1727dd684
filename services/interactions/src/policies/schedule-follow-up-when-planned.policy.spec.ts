import { describe, expect, it } from '@jest/globals';
import { erased } from '@throughline/contracts';
import { react } from './schedule-follow-up-when-planned.policy.ts';

const customerId = '0190a1b2-0000-7000-8000-000000000001';
const changed = (data: object) => react({ type: 'InteractionDetailsChanged', data: { customerId, ...data } });

describe('the timer of a follow-up', () => {
  it('is set to when it is due', () => {
    const dueAt = '2026-01-20T01:00:00.000Z';
    expect(changed({ followUp: { plan: '寄样品', dueAt } })).toEqual({ due: dueAt });
  });
  it('stays as it is where another detail changed', () => {
    expect(changed({ outcome: '同意' })).toEqual({ due: 'as-before' });
  });
  it('is taken back where it is due no more: without an instant, erased, or archived', () => {
    expect(changed({ followUp: { plan: '寄样品' } })).toEqual({ due: 'never' });
    expect(changed({ followUp: erased })).toEqual({ due: 'never' });
    expect(react({ type: 'InteractionArchived', data: { customerId } })).toEqual({ due: 'never' });
  });
});
