import type { AnyEvent } from '@throughline/contracts';
import type { DocumentView, Fold, ReadRows } from '@throughline/event-sourcing';
import { factInteraction } from '../star/fact-interaction.view.ts';
import { factOrderLine } from '../star/fact-order-line.view.ts';
import { customerId, recorded, rowsAfter, streamId } from '../star/recorded.fixtures.ts';
import { customerConsent } from './customer-consent.view.ts';
import { customerDocument, customerProfile } from './customer-document.view.ts';
import { interactionDocument, interactionRecord } from './interaction-document.view.ts';
import { orderDocument, orderRecord } from './order-document.view.ts';

type Told = [Fold<never>, AnyEvent[]];

/** The document of `streamId` after the events of each fold. */
async function rendered(view: DocumentView<any>, ...told: Told[]): Promise<any> {
  const rows = new Map(told.map(([fold, events]) => [fold, rowsAfter(fold as never, recorded(...events))]));
  const read: ReadRows = async (from, property, values) =>
    ((rows.get(from as never) ?? []) as any[]).filter((row) => values.includes(row[property]));
  return (await view.render([streamId], read))[0];
}
const told = (fold: Fold<any>, ...events: object[]): Told => [fold as never, events as AnyEvent[]];

const created = { type: 'CustomerCreated', number: 'C-1', name: '张三', customerType: 'new', emailsReserved: false };
const order = {
  type: 'OrderPlaced',
  customerId: streamId,
  number: '1001',
  status: 'open',
  currency: 'CNY',
  lines: [
    { lineId: '1', title: '茶', sku: 'T1', quantity: '2', unitPrice: '10.00', discount: '0', tax: '0', total: '20.00' },
  ],
  taxIncluded: true,
  subtotal: '20.00',
  discount: '0',
  tax: '0',
  shipping: '5.00',
  total: '25.00',
  paid: '0',
  placedAt: '2026-01-05T08:00:00+08:00',
  baseCurrency: 'CNY',
  rate: '1',
};

describe("a customer's document", () => {
  it('holds what is known, without what was cleared or erased', async () => {
    const document = await rendered(
      customerDocument,
      told(
        customerProfile,
        { ...created, title: 'CEO', source: 'web', gender: 'f' },
        {
          type: 'CustomerDetailsChanged',
          title: null,
          gender: { erased: true },
          industry: 'toys',
          emailsReserved: false,
        },
        { type: 'CustomerArchived' },
      ),
    );
    expect(document).toEqual({
      id: streamId,
      number: 'C-1',
      name: '张三',
      type: 'new',
      source: 'web',
      industry: 'toys',
      externalIds: [],
      archived: true,
      doNotContact: false,
      marketingEmail: 'unknown',
      marketingPhone: 'unknown',
      marketingSms: 'unknown',
      marketingMessenger: 'unknown',
      marketingPost: 'unknown',
      consents: [],
      optOuts: [],
      revenue: null,
      revenueOther: [],
      orderCount: 0,
      lastOrderAt: null,
      lastInteractionAt: null,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-03T00:00:00.000Z',
    });
  });

  it('counts the orders that stand, less refunds, and the last contact', async () => {
    const document = await rendered(
      customerDocument,
      told(customerProfile, created),
      told(factOrderLine, order, { type: 'OrderRefunded', refundId: 'r', amount: '4.50', at: '2026-02-01T00:00:00Z' }),
      told(factInteraction, {
        type: 'InteractionLogged',
        customerId: streamId,
        kind: 'call',
        startedAt: '2026-03-01T00:00:00Z',
      }),
    );
    expect(document).toMatchObject({
      revenue: { amount: '20.50', currency: 'CNY' },
      orderCount: 1,
      lastOrderAt: '2026-01-05T00:00:00.000Z',
      lastInteractionAt: '2026-03-01T00:00:00.000Z',
    });
  });

  it('does not count a cancelled order', async () => {
    const cancelled = { type: 'OrderCancelled', cancelledAt: '2026-02-01T00:00:00Z' };
    const document = await rendered(
      customerDocument,
      told(customerProfile, created),
      told(factOrderLine, order, cancelled),
    );
    expect(document).toMatchObject({ revenue: null, orderCount: 0, lastOrderAt: null });
  });

  it('says whom one may write to, and whom not', async () => {
    const about = { customerId: streamId, purpose: 'marketing', how: 'form' };
    const given = {
      type: 'ConsentGiven',
      ...about,
      channel: 'email',
      basis: 'consent',
      textVersion: '1',
      givenAt: '2026-01-01T00:00:00Z',
    };
    const withdrawn = { type: 'ConsentWithdrawn', ...about, channel: 'phone', withdrawnAt: '2026-01-02T00:00:00Z' };
    const forbidden = {
      type: 'ContactForbidden',
      customerId: streamId,
      how: 'phone',
      forbiddenAt: '2026-01-03T00:00:00Z',
    };
    const document = async (...events: object[]) =>
      rendered(customerDocument, told(customerProfile, created), told(customerConsent, ...events));
    expect(await document(given, withdrawn)).toMatchObject({
      doNotContact: false,
      marketingEmail: 'yes',
      marketingPhone: 'no',
      marketingSms: 'unknown',
      consents: ['marketing:email'],
      optOuts: ['marketing:phone'],
    });
    expect(await document(given, withdrawn, forbidden)).toMatchObject({ doNotContact: true, marketingEmail: 'no' });
    const ended = { ...given, expiresOn: '2026-06-30' };
    const expired = { type: 'ConsentExpired', ...about, channel: 'email', expiresOn: '2026-06-30' };
    expect(await document(ended, expired)).toMatchObject({ marketingEmail: 'unknown', consents: [] });
  });

  it('is not there before the customer is', async () => {
    expect(await rendered(customerDocument, told(factOrderLine, order))).toBeUndefined();
  });
});

describe("an order's document", () => {
  it('answers every amount with its currency, whatever came first', async () => {
    const refund = { type: 'OrderRefunded', refundId: 'r', amount: '4.50', at: '2026-02-01T00:00:00Z' };
    const document = await rendered(
      orderDocument,
      told(
        orderRecord,
        refund,
        { ...order, customerId },
        { type: 'OrderPaid', paid: '25.00', currency: 'CNY' },
        refund,
      ),
    );
    expect(document).toMatchObject({
      customerId,
      number: '1001',
      status: 'open',
      lines: [{ sku: 'T1', quantity: '2', unitPrice: { amount: '10.00', currency: 'CNY' } }],
      total: { amount: '25.00', currency: 'CNY' },
      paid: { amount: '25.00', currency: 'CNY' },
      refunded: { amount: '4.50', currency: 'CNY' },
      refunds: [{ refundId: 'r', amount: { amount: '4.50', currency: 'CNY' } }],
      placedAt: '2026-01-05T00:00:00.000Z',
    });
  });

  it('is cancelled once its owner said so', async () => {
    const cancelled = { type: 'OrderCancelled', cancelledAt: '2026-02-01T00:00:00Z' };
    expect(await rendered(orderDocument, told(orderRecord, order, cancelled))).toMatchObject({
      status: 'cancelled',
      cancelledAt: '2026-02-01T00:00:00.000Z',
    });
  });

  it('is not there while only refunds are known', async () => {
    const refund = { type: 'OrderRefunded', refundId: 'r', amount: '4.50', at: '2026-02-01T00:00:00Z' };
    expect(await rendered(orderDocument, told(orderRecord, refund))).toBeUndefined();
  });
});

describe("an interaction's document", () => {
  it('holds what was said, as changed since', async () => {
    const logged = {
      type: 'InteractionLogged',
      customerId,
      kind: 'call',
      subject: 'Hello',
      startedAt: '2026-03-01T00:00:00Z',
    };
    const changed = { type: 'InteractionDetailsChanged', customerId, subject: { erased: true }, outcome: 'sold' };
    expect(
      await rendered(
        interactionDocument,
        told(interactionRecord, logged, changed, { type: 'InteractionArchived', customerId }),
      ),
    ).toEqual({
      id: streamId,
      customerId,
      kind: 'call',
      outcome: 'sold',
      startedAt: '2026-03-01T00:00:00.000Z',
      archived: true,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-03T00:00:00.000Z',
    });
  });
});
