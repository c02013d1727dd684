import { describe, expect, it } from '@jest/globals';
import { erased, type DealEvent } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { standardPipeline } from '../pipeline/pipeline.ts';
import { deal, type DealCommand } from './deal.ts';

const customerId = '11111111-1111-4111-8111-111111111111';
const ownerId = '22222222-2222-4222-8222-222222222222';
const value = { amount: '1000.00', currency: 'CNY' };
const open: DealCommand = { type: 'OpenDeal', customerId, title: '年度合同', value };
const opened: DealEvent = {
  type: 'DealOpened',
  customerId,
  title: '年度合同',
  value,
  pipelineId: standardPipeline.id,
  stage: 'lead',
};
const won: DealEvent = { type: 'DealWon', value };
const lost: DealEvent = { type: 'DealLost', customerId, reason: 'price' };

const given = scenario(deal, { rules: standardPipeline });

describe('a deal', () => {
  it('opens in the first stage of its pipeline, or in the one that is named', () => {
    given().when(open).then(opened);
    given()
      .when({ ...open, stage: 'proposal' })
      .then({ ...opened, stage: 'proposal' } as DealEvent);
  });

  it('cannot be opened in a stage or a pipeline that does not exist, nor twice', () => {
    given()
      .when({ ...open, stage: 'nowhere' })
      .thenRefused('stage-unknown');
    scenario(deal)().when(open).thenRefused('invalid-deal');
    given(opened).when(open).thenRefused('deal-exists');
  });

  it('needs a title and a value that is not negative', () => {
    given()
      .when({ ...open, title: ' ', value: { amount: '-1', currency: 'CNY' } })
      .thenRefused('invalid-deal');
    given(opened)
      .when({ type: 'ChangeDeal', changes: { title: null } })
      .thenRefused('invalid-deal');
    given(opened)
      .when({ type: 'ChangeDeal', changes: { value: null } })
      .thenRefused('invalid-deal');
  });

  it('moves to another stage', () => {
    given(opened).when({ type: 'MoveDeal', to: 'proposal' }).then({ type: 'DealMoved', from: 'lead', to: 'proposal' });
  });

  it('stays where it is when moved to its own stage', () => {
    given(opened).when({ type: 'MoveDeal', to: 'lead' }).thenNothing();
  });

  it('cannot be moved to a stage that its pipeline does not have', () => {
    given(opened).when({ type: 'MoveDeal', to: 'nowhere' }).thenRefused('stage-unknown');
  });

  it('changes only what differs, and clears by null', () => {
    given(opened)
      .when({ type: 'ChangeDeal', changes: { title: '年度合同', ownerId, expectedCloseOn: null } })
      .then({ type: 'DealDetailsChanged', customerId, ownerId });
    given({ ...opened, ownerId } as DealEvent)
      .when({ type: 'ChangeDeal', changes: { ownerId: null } })
      .then({ type: 'DealDetailsChanged', customerId, ownerId: null });
    given(opened)
      .when({ type: 'ChangeDeal', changes: { value: { ...value } } })
      .thenNothing();
  });

  it('is won with the value that it has now', () => {
    const raised = { amount: '1200', currency: 'CNY' };
    given(opened, { type: 'DealDetailsChanged', customerId, value: raised })
      .when({ type: 'WinDeal' })
      .then({ type: 'DealWon', value: raised });
  });

  it('is lost for a reason', () => {
    given(opened).when({ type: 'LoseDeal', reason: 'price' }).then(lost);
    given(opened).when({ type: 'LoseDeal', reason: ' ' }).thenRefused('invalid-deal');
  });

  it('does not change once it is closed', () => {
    const commands: DealCommand[] = [
      { type: 'MoveDeal', to: 'proposal' },
      { type: 'ChangeDeal', changes: { title: 'x' } },
      { type: 'WinDeal' },
      { type: 'LoseDeal', reason: 'price' },
    ];
    for (const closed of [won, lost])
      for (const command of commands) given(opened, closed).when(command).thenRefused('deal-closed');
  });

  it('has to be open before anything can be done with it', () => {
    given().when({ type: 'WinDeal' }).thenRefused('deal-not-found');
  });

  it('keeps its figures when its customer is erased', () => {
    const state = replay(deal, [{ ...opened, title: erased } as DealEvent, { ...lost, reason: erased } as DealEvent]);
    expect(deal.fields?.(state)).toEqual({
      status: 'lost',
      customerId,
      pipelineId: standardPipeline.id,
      stage: 'lead',
      value,
    });
  });
});
