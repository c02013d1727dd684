import { customerId, recorded, rowsAfter } from '../star/recorded.fixtures.ts';
import { timelineCustomers, timelineInteractions, timelineSales } from './timeline.view.ts';

const order = {
  type: 'OrderPlaced' as const,
  customerId,
  number: '1001',
  status: 'open',
  currency: 'CNY',
  lines: [],
  taxIncluded: true,
  subtotal: '25',
  discount: '0',
  tax: '0',
  shipping: '0',
  total: '25',
  paid: '0',
  placedAt: '2026-01-05T00:00:00Z',
  baseCurrency: 'CNY',
  rate: '1',
};
const refunded = { type: 'OrderRefunded' as const, refundId: 'r', amount: '5', at: '2026-02-01T00:00:00Z' };
const short = (rows: readonly { type: string; kind: string; customerId: string | null; title: string | null }[]) =>
  rows.map(({ type, kind, customerId: of, title }) => [type, kind, of, title]);

describe('the timeline', () => {
  it('tells of an order and of what came of it, by the customer that the order named', () => {
    const rows = rowsAfter(
      timelineSales,
      recorded(order, { type: 'OrderPaid', paid: '25', currency: 'CNY' } as never, refunded as never),
    );
    expect(short(rows)).toEqual([
      ['OrderPlaced', 'order', customerId, '1001'],
      ['OrderPaid', 'payment', customerId, '1001'],
      ['OrderRefunded', 'refund', customerId, '1001'],
    ]);
    expect(rows[1]?.data).toEqual({ paid: '25', currency: 'CNY' });
  });

  it('keeps a refund that came before its order until it is known whose it is', () => {
    expect(short(rowsAfter(timelineSales, recorded(refunded)))).toEqual([['OrderRefunded', 'refund', null, null]]);
    expect(short(rowsAfter(timelineSales, recorded(refunded, order as never)))).toEqual([
      ['OrderRefunded', 'refund', customerId, '1001'],
      ['OrderPlaced', 'order', customerId, '1001'],
    ]);
  });

  it('tells of deals, with the title that they had', () => {
    const rows = rowsAfter(
      timelineSales,
      recorded(
        {
          type: 'DealOpened',
          customerId,
          title: 'Big',
          value: { amount: '5', currency: 'CNY' },
          pipelineId: customerId,
          stage: 'lead',
        },
        { type: 'DealMoved', from: 'lead', to: 'proposal' } as never,
        { type: 'DealLost', customerId, reason: { erased: true } } as never,
      ),
    );
    expect(rows.map(({ type, title, data }) => [type, title, data])).toEqual([
      ['DealOpened', 'Big', { amount: '5', currency: 'CNY', stage: 'lead' }],
      ['DealMoved', 'Big', { from: 'lead', to: 'proposal' }],
      ['DealLost', 'Big', {}],
    ]);
  });

  it('names the fields that changed, not their values', () => {
    const rows = rowsAfter(
      timelineCustomers,
      recorded(
        { type: 'CustomerCreated', number: 'C-1', name: '张三', emailsReserved: true },
        { type: 'CustomerDetailsChanged', customerType: 'vip', gender: 'f', emailsReserved: true } as never,
        { type: 'CustomerConfirmed', stamp: {}, confirmed: [] } as never,
      ),
    );
    expect(rows.map(({ type, title, data }) => [type, title, data])).toEqual([
      ['CustomerCreated', '张三', { number: 'C-1' }],
      ['CustomerDetailsChanged', '张三', { fields: ['type', 'gender'] }],
    ]);
  });

  it('tells of consents, without their proofs', () => {
    const about = { customerId, purpose: 'newsletter', how: 'form', reference: 'form 7' };
    const rows = rowsAfter(
      timelineCustomers,
      recorded(
        { type: 'ConsentGiven', ...about, basis: 'consent', givenAt: '2026-01-01T00:00:00Z' },
        { type: 'ConsentWithdrawn', ...about, channel: 'email', withdrawnAt: '2026-01-02T00:00:00Z' } as never,
        { type: 'ContactForbidden', customerId, how: 'phone', forbiddenAt: '2026-01-03T00:00:00Z' } as never,
      ),
    );
    expect(rows.map(({ kind, customerId: of, data }) => [kind, of, data])).toEqual([
      ['consent', customerId, { purpose: 'newsletter', basis: 'consent', how: 'form' }],
      ['consent', customerId, { purpose: 'newsletter', channel: 'email', how: 'form' }],
      ['consent', customerId, { how: 'phone' }],
    ]);
  });

  it('tells of merges and of what was taken out again', () => {
    const mergeId = customerId;
    const rows = rowsAfter(
      timelineCustomers,
      recorded(
        { type: 'CustomerCreated', number: 'C-1', name: '张三', emailsReserved: true },
        { type: 'CustomersMerged', mergeId, absorbed: [customerId], rules: {}, reason: { erased: true } } as never,
        { type: 'CustomersUnmerged', mergeId, released: [customerId] } as never,
        { type: 'CustomerAbsorbed', mergeId, into: customerId, goldenId: customerId } as never,
        { type: 'CustomerReleased', mergeId, from: customerId } as never,
      ),
    );
    expect(rows.slice(1).map(({ kind, title, data }) => [kind, title, data])).toEqual([
      ['merge', '张三', { mergeId, absorbed: [customerId] }],
      ['unmerge', '张三', { mergeId, released: [customerId] }],
      ['merge', '张三', { mergeId, into: customerId, goldenId: customerId }],
      ['unmerge', '张三', { mergeId, from: customerId }],
    ]);
  });

  it('tells when a follow-up fell due', () => {
    const logged = { type: 'InteractionLogged', customerId, kind: 'call', subject: 'Hello', startedAt: '2026-03-01' };
    const dueAt = '2026-03-08T00:00:00.000Z';
    const rows = rowsAfter(timelineInteractions, recorded(logged, { type: 'FollowUpDue', customerId, dueAt } as never));
    expect(short(rows)[1]).toEqual(['FollowUpDue', 'call', customerId, 'Hello']);
    expect(rows[1]?.data).toEqual({ dueAt });
  });

  it('tells of interactions by their kind', () => {
    const logged = {
      type: 'InteractionLogged',
      customerId,
      kind: 'call',
      subject: 'Hello',
      startedAt: '2026-03-01T00:00:00Z',
    };
    const rows = rowsAfter(
      timelineInteractions,
      recorded(logged, { type: 'InteractionArchived', customerId } as never),
    );
    expect(short(rows)).toEqual([
      ['InteractionLogged', 'call', customerId, 'Hello'],
      ['InteractionArchived', 'call', customerId, 'Hello'],
    ]);
  });
});
