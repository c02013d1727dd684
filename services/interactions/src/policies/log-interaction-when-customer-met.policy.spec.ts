import { describe, expect, it } from '@jest/globals';
import { erased } from '@throughline/contracts';
import { react } from './log-interaction-when-customer-met.policy.ts';

const stream = { type: 'customer', id: '0190a1b2-0000-7000-8000-000000000001', version: 2 };
const data = {
  interactionId: '0190a1b2-0000-7000-8000-000000000002',
  kind: 'visit' as const,
  startedAt: '2026-01-15T08:00:00.000Z',
};

describe('a customer who was met', () => {
  it('has the encounter logged as it was told', () => {
    const told = { direction: 'outbound' as const, subject: '展会', content: '要样品', followUp: { plan: '寄样品' } };
    expect(react({ stream, data: { ...data, ...told, endedAt: '2026-01-15T08:30:00.000Z' } })).toEqual({
      id: data.interactionId,
      command: {
        type: 'LogInteraction',
        customerId: stream.id,
        kind: 'visit',
        startedAt: data.startedAt,
        endedAt: '2026-01-15T08:30:00.000Z',
        ...told,
      },
    });
  });

  it('and was erased since keeps the encounter without what was said', () => {
    const { command } = react({ stream, data: { ...data, subject: erased, content: erased } });
    expect(command).toEqual({
      type: 'LogInteraction',
      customerId: stream.id,
      kind: 'visit',
      startedAt: data.startedAt,
    });
  });
});
