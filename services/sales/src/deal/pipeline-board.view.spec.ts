import { describe, expect, it } from '@jest/globals';
import { erased, type DealEvent } from '@throughline/contracts';
import { recorded, rowsOf } from '../../test/folding.ts';
import { pipelineBoard } from './pipeline-board.view.ts';

const customerId = '11111111-1111-4111-8111-111111111111';
const pipelineId = '33333333-3333-4333-8333-333333333333';
const opened: DealEvent = {
  type: 'DealOpened',
  customerId,
  title: '年度合同',
  value: { amount: '1000.00', currency: 'CNY' },
  pipelineId,
  stage: 'lead',
};
const card = {
  id: 'a',
  pipelineId,
  stage: 'lead',
  customerId,
  title: '年度合同',
  amount: '1000.00',
  currency: 'CNY',
  ownerId: null,
  expectedCloseOn: null,
  stageSince: '2026-01-01T00:00:00.000Z',
};
const given = (...events: DealEvent[]) =>
  rowsOf(
    pipelineBoard,
    events.map((event, index) => recorded(event, 'a', `2026-01-0${index + 1}T00:00:00.000Z`)),
  );

describe('the pipeline board', () => {
  it('has a card for every open deal', () => {
    expect(given(opened)).toEqual([card]);
  });

  it('moves the card, and knows since when it is there', () => {
    expect(given(opened, { type: 'DealMoved', from: 'lead', to: 'proposal' })).toEqual([
      { ...card, stage: 'proposal', stageSince: '2026-01-02T00:00:00.000Z' },
    ]);
  });

  it('shows what was changed, and nothing else', () => {
    const value = { amount: '7', currency: 'EUR' };
    expect(given(opened, { type: 'DealDetailsChanged', customerId, value, expectedCloseOn: '2026-03-31' })).toEqual([
      { ...card, ...value, expectedCloseOn: '2026-03-31' },
    ]);
  });

  it('takes closed deals off', () => {
    expect(given(opened, { type: 'DealWon', value: { amount: '1', currency: 'CNY' } })).toEqual([]);
    expect(given(opened, { type: 'DealLost', customerId, reason: 'price' })).toEqual([]);
  });

  it('forgets the title of an erased customer', () => {
    expect(given({ ...opened, title: erased })).toEqual([{ ...card, title: null }]);
  });
});
