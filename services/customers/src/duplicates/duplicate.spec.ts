import { describe, expect, it } from '@jest/globals';
import { scenario } from '@throughline/event-sourcing/scenario';
import { duplicate, pairId, type DuplicateCommand, type DuplicatePairEvent } from './duplicate.ts';

const given = scenario(duplicate);
const a = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01';
const b = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a02';
const likely = (score: number, band: 'automatic' | 'review') => ({ score, reasons: [], band, by: 'scan' as const });
const found = (score: number, band: 'automatic' | 'review' = 'review'): DuplicatePairEvent => ({
  type: 'DuplicateFound',
  records: [a, b],
  ...likely(score, band),
});
const record = (score: number, band: 'automatic' | 'review' = 'review'): DuplicateCommand => ({
  type: 'RecordDuplicate',
  records: [b, a],
  ...likely(score, band),
});
const dismissed = { type: 'DuplicateDismissed', recordId: a, reason: '父子同名' } as const;
const merged = { type: 'DuplicateMerged', survivor: a } as const;

describe('a pair of customers', () => {
  it('is one pair, whichever is named first', () => {
    expect(pairId(a, b)).toBe(pairId(b, a));
    given().when(record(7)).then(found(7));
  });

  it('is found once, and again where the score is clearly another', () => {
    given(found(7)).when(record(7.5)).thenNothing();
    given(found(7)).when(record(9.5)).then(found(9.5));
    given(found(9.5)).when(record(10, 'automatic')).then(found(10, 'automatic'));
  });

  it('stays dismissed, however often it is found', () => {
    given(found(7)).when({ type: 'DismissDuplicate', reason: '父子同名' }).then(dismissed);
    given(found(7), dismissed).when(record(20, 'automatic')).thenNothing();
    given(found(7), dismissed).when({ type: 'DismissDuplicate' }).thenNothing();
  });

  it('is looked at again where somebody asks for it', () => {
    given(found(7), dismissed).when({ type: 'ReopenDuplicate' }).then({ type: 'DuplicateReopened' });
    given(found(7), dismissed, { type: 'DuplicateReopened' })
      .when(record(12, 'automatic'))
      .then(found(12, 'automatic'));
  });

  it('is found again after it was merged and taken apart', () => {
    given(found(7)).when({ type: 'MarkMerged', survivor: a }).then(merged);
    given(found(7), merged).when({ type: 'MarkMerged', survivor: a }).thenNothing();
    given(found(7), merged).when({ type: 'DismissDuplicate' }).thenRefused('duplicate-merged');
    given(found(7), merged).when(record(7)).then(found(7));
  });

  it('is not there before it was found', () => {
    given().when({ type: 'DismissDuplicate' }).thenRefused('duplicate-not-found');
  });
});
