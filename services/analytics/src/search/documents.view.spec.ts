import { emptyLedger, builtInSurvivorship, permissionsOf, type AnyEvent } from '@throughline/contracts';
import type { DocumentView, Fold, ReadRows } from '@throughline/event-sourcing';
import { factInteraction } from '../star/fact-interaction.view.ts';
import { factOrderLine } from '../star/fact-order-line.view.ts';
import { customerId, recorded, rowsAfter, streamId } from '../star/recorded.fixtures.ts';
import { customerCare } from './customer-care.view.ts';
import { customerConsent } from './customer-consent.view.ts';
import { customerDocument } from './customer-document.view.ts';
import { customerProfile } from './customer-profile.view.ts';
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
      version: '3',
      numbers: ['C-1'],
      name: '张三',
      type: 'new',
      typeSetBy: 'manual',
      derivedType: 'potential',
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
      quality: 25,
      qualityIssues: [
        'missing:phones',
        'missing:emails',
        'missing:addresses',
        'missing:ownerId',
        'missing:companyName',
        'missing:title',
        'missing:birthDate',
      ],
      revenueOther: [],
      orderCount: 0,
      firstOrderAt: null,
      lastOrderAt: null,
      lastInteractionAt: null,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-03T00:00:00.000Z',
    });
  });

  it('says which type follows from the orders, and keeps the one that somebody gave', async () => {
    const { customerType: _, ...untyped } = created;
    const ended = { type: 'NewCustomerPeriodEnded', customerId: streamId, orderedUntil: '2026-01-05T00:00:00.000Z' };
    const typed = async (first: object, ...more: Told[]) => {
      const { type, typeSetBy, derivedType } = await rendered(customerDocument, told(customerProfile, first), ...more);
      return [type, typeSetBy, derivedType];
    };
    expect(await typed(untyped)).toEqual(['potential', 'automatic', 'potential']);
    expect(await typed(untyped, told(factOrderLine, order))).toEqual(['new', 'automatic', 'new']);
    const bought = [told(factOrderLine, order), told(customerCare, ended)];
    expect(await typed(untyped, ...bought)).toEqual(['existing', 'automatic', 'existing']);
    expect(await typed(created, ...bought)).toEqual(['new', 'manual', 'existing']);
  });

  it('says what is wrong with the data', async () => {
    const emails = [{ value: 'wang@example.cn' }, { value: '没有' }];
    const { quality, qualityIssues } = await rendered(
      customerDocument,
      told(customerProfile, { ...created, emails, phones: [{ value: '12' }] }),
      told(
        customerCare,
        { type: 'EmailBounced', customerId: streamId, address: 'Wang@example.cn' },
        { type: 'ConfirmationDue', customerId: streamId, dueAt: '2026-01-02T00:00:00.000Z', by: 'call' },
      ),
    );
    expect(qualityIssues).toEqual(
      expect.arrayContaining(['invalid:emails', 'invalid:phones', 'bounced:emails', 'stale', 'missing:addresses']),
    );
    // 60 of 100 are known; three faults of 15, and one of 10.
    expect(quality).toBe(5);
  });

  it('says which rules a verification found broken, until one passes', async () => {
    const failures = [
      { field: 'title', code: 'rule-failed', ruleId: 'title' },
      { field: 'phones', code: 'phone-invalid' },
    ];
    const failed = { type: 'VerificationFailed', customerId: streamId, failures };
    const issues = async (...events: object[]) => {
      const document = await rendered(customerDocument, told(customerProfile, created), told(customerCare, ...events));
      return document.qualityIssues.filter((issue: string) => issue.startsWith('rule:'));
    };
    expect(await issues(failed)).toEqual(['rule:title']);
    expect(await issues(failed, { type: 'VerificationPassed', customerId: streamId })).toEqual([]);
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

  it('leaves nothing of a person who was erased but the number', async () => {
    const told = [
      { ...created, gender: 'f' },
      { type: 'CustomerErased', erasureId: customerId },
    ];
    const document = await rendered(customerDocument, [customerProfile as never, told as never]);
    const { createdAt: _, updatedAt: __, ...rest } = document;
    expect(rest).toEqual({
      id: streamId,
      number: 'C-1',
      version: '2',
      numbers: ['C-1'],
      externalIds: [],
      archived: true,
      type: 'potential',
      typeSetBy: 'automatic',
      derivedType: 'potential',
      revenue: null,
      revenueOther: [],
      orderCount: 0,
      firstOrderAt: null,
      lastOrderAt: null,
      lastInteractionAt: null,
      ...permissionsOf(emptyLedger),
    });
  });

  it('is not there before the customer is', async () => {
    expect(await rendered(customerDocument, told(factOrderLine, order))).toBeUndefined();
  });
});

describe('the document of a customer of several records', () => {
  const [shop, till] = ['0198c0de-0000-7000-8000-00000000000a', '0198c0de-0000-7000-8000-00000000000b'];
  const mergeId = customerId;
  const inShop = {
    ...created,
    number: 'C-2',
    name: 'Zhang San',
    emails: [{ value: 'zhang@shop.example' }],
    externalId: { connectionId: customerId, id: '77' },
    emailsReserved: false,
  };
  const atTill = { ...created, number: 'C-3', emails: [{ value: 'zhang@till.example' }], source: 'till' };
  const merged = (...absorbed: string[]) => ({
    type: 'CustomersMerged',
    mergeId,
    absorbed,
    ...builtInSurvivorship,
  });
  const absorbed = (goldenId: string, into = goldenId) => ({ type: 'CustomerAbsorbed', mergeId, into, goldenId });
  type Log = [stream: string, event: object][];
  /** Both ways that rows come about: one event at a time from the table, or all at once. */
  const rowsOf = (fold: Fold<any>, log: Log, stored: boolean) =>
    [...Map.groupBy(recordedOf(log), ({ stream }) => stream.id).values()].flatMap((events) =>
      events.reduce<readonly object[]>((rows, event) => {
        const after = fold.evolve(rows, event);
        return stored ? (JSON.parse(JSON.stringify(after)) as object[]) : after;
      }, []),
    );
  const recordedOf = (log: Log) =>
    recorded(...log.map(([, event]) => event as AnyEvent)).map((event, index) => ({
      ...event,
      stream: { type: 'any', version: index + 1, id: log[index]?.[0] as string },
    }));
  async function documentsOf(customers: Log, sales: Log = [], stored = true): Promise<any[]> {
    const rows = new Map<unknown, any[]>([
      [customerProfile, rowsOf(customerProfile, customers, stored)],
      [factOrderLine, rowsOf(factOrderLine, sales, stored)],
    ]);
    const read: ReadRows = async (from, property, values) =>
      (rows.get(from) ?? []).filter((row) => values.includes(row[property]));
    const keys = (await customerDocument.owners?.([streamId, shop, till], read)) ?? [];
    return [...(await customerDocument.render([...new Set(keys)], read))];
  }
  const three: Log = [
    [streamId, created],
    [shop, inShop],
    [till, atTill],
    [shop, merged(till)],
    [till, absorbed(shop)],
    [streamId, merged(shop)],
    [shop, absorbed(streamId)],
    [till, absorbed(streamId, shop)],
  ];
  const orders: Log = [
    ['0198c0de-0000-7000-8000-0000000000f1', { ...order, customerId: shop }],
    ['0198c0de-0000-7000-8000-0000000000f2', { ...order, customerId: till, placedAt: '2026-02-05T00:00:00Z' }],
  ];

  it('is one, of what all of them say, with all their orders', async () => {
    const documents = await documentsOf(three, orders);
    expect(documents).toEqual([
      expect.objectContaining({
        id: streamId,
        number: 'C-1',
        numbers: ['C-1', 'C-2', 'C-3'],
        name: '张三',
        source: 'till',
        emails: [{ value: 'zhang@shop.example' }, { value: 'zhang@till.example' }],
        externalIds: [{ connectionId: customerId, id: '77' }],
        records: [
          { id: streamId, number: 'C-1', externalIds: [] },
          { id: shop, number: 'C-2', into: streamId, externalIds: [{ connectionId: customerId, id: '77' }] },
          { id: till, number: 'C-3', into: shop, externalIds: [] },
        ],
        revenue: { amount: '50.00', currency: 'CNY' },
        orderCount: 2,
        lastOrderAt: '2026-02-05T00:00:00.000Z',
        createdAt: '2026-01-01T00:00:00.000Z',
        updatedAt: '2026-01-08T00:00:00.000Z',
      }),
    ]);
  });

  it('falls apart with everything when one is taken out again, with those below it', async () => {
    const apart: Log = [
      ...three,
      [streamId, { type: 'CustomersUnmerged', mergeId, released: [shop] }],
      [shop, { type: 'CustomerReleased', mergeId, from: streamId }],
      [till, absorbed(shop)],
    ];
    const [one, other, ...more] = await documentsOf(apart, orders);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ id: streamId, numbers: ['C-1'], revenue: null });
    expect(one).not.toHaveProperty('records');
    expect(other).toMatchObject({ id: shop, numbers: ['C-2', 'C-3'], revenue: { amount: '50.00' } });
  });

  it('is the same whether its events came one by one or at once', async () => {
    const log: Log = [
      ...three,
      [streamId, { type: 'CustomerDetailsChanged', name: null, industry: 'toys', emailsReserved: false }],
      [shop, { type: 'CustomerDetailsChanged', name: 'Zhang', tags: ['vip'], emailsReserved: false }],
    ];
    const texts = (stored: boolean) => rowsOf(customerProfile, log, stored).map((row) => JSON.stringify(row));
    expect(texts(true)).toEqual(texts(false));
    expect(await documentsOf(log)).toMatchObject([{ name: 'Zhang', tags: ['vip'], industry: 'toys' }]);
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
