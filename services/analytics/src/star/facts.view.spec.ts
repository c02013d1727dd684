import { describe, expect, it } from '@jest/globals';
import type { DealEvent, InteractionEvent, OrderEvent } from '@throughline/contracts';
import { factInteraction } from './fact-interaction.view.ts';
import { factPayment } from './fact-payment.view.ts';
import { factStageVisit } from './fact-stage-visit.view.ts';
import { customerId, recorded, rowsAfter, streamId } from './recorded.fixtures.ts';

const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;

describe('the stage visits', () => {
  const opened: DealEvent = {
    type: 'DealOpened',
    customerId,
    title: 'Tea for all',
    value: { amount: '100.00', currency: 'CNY' },
    pipelineId: streamId,
    stage: 'lead',
  };
  const moved = (from: string, to: string): DealEvent => ({ type: 'DealMoved', from, to });

  it('are one row a visit, and a second one when a deal comes back', () => {
    const rows = rowsAfter(factStageVisit, recorded<DealEvent>(opened, moved('lead', 'offer'), moved('offer', 'lead')));
    expect(
      rows.map((row) => [row.visitNo, row.stageId, row.enteredAt, row.leftAt, row.outcome, row.nextStageId]),
    ).toEqual([
      [1, 'lead', day(1), day(2), 'moved', 'offer'],
      [2, 'offer', day(2), day(3), 'moved', 'lead'],
      [3, 'lead', day(3), null, null, null],
    ]);
  });

  it('end when the deal does', () => {
    const won = rowsAfter(
      factStageVisit,
      recorded<DealEvent>(opened, { type: 'DealWon', value: { amount: '1', currency: 'CNY' } }),
    );
    expect(won).toEqual([expect.objectContaining({ leftAt: day(2), outcome: 'won', recordId: customerId })]);
    const lost = rowsAfter(
      factStageVisit,
      recorded<DealEvent>(opened, { type: 'DealLost', customerId, reason: 'price' }),
    );
    expect(lost).toEqual([expect.objectContaining({ leftAt: day(2), outcome: 'lost' })]);
  });
});

describe('the interactions', () => {
  const logged: InteractionEvent = {
    type: 'InteractionLogged',
    customerId,
    kind: 'call',
    direction: 'inbound',
    content: 'about tea',
    startedAt: '2026-01-05T09:00:00+08:00',
  };
  it('hold who, how and when, not what was said', () => {
    expect(rowsAfter(factInteraction, recorded(logged))).toEqual([
      {
        interactionId: streamId,
        recordId: customerId,
        kind: 'call',
        direction: 'inbound',
        startedAt: '2026-01-05T01:00:00.000Z',
        endedAt: null,
        employeeId: null,
      },
    ]);
  });
  it('go when they are archived', () => {
    expect(
      rowsAfter(factInteraction, recorded<InteractionEvent>(logged, { type: 'InteractionArchived', customerId })),
    ).toEqual([]);
  });
});

describe('the payments', () => {
  it('are the differences between what orders say was paid so far', () => {
    const placed: OrderEvent = {
      type: 'OrderPlaced',
      customerId,
      number: 'A-1',
      status: 'open',
      currency: 'EUR',
      lines: [],
      taxIncluded: false,
      subtotal: '0',
      discount: '0',
      tax: '0',
      shipping: '0',
      total: '30',
      paid: '10',
      placedAt: day(1),
      baseCurrency: 'CNY',
      rate: '8',
    };
    const paid: OrderEvent = { type: 'OrderPaid', paid: '30', currency: 'EUR' };
    const rows = rowsAfter(factPayment, recorded<OrderEvent>(placed, paid, paid)).filter(
      ({ paymentNo }) => paymentNo > 0,
    );
    expect(
      rows.map(({ amount, amountBase, baseCurrency, paidAt }) => [amount, amountBase, baseCurrency, paidAt]),
    ).toEqual([
      ['10', '80.00', 'CNY', day(1)],
      ['20', '160.00', 'CNY', day(2)],
    ]);
  });
});
