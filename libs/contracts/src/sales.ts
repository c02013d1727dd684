import { Type, type Static } from 'typebox';
import { Personal, event, type EventOf } from './event.ts';
import { Currency, DateText, Decimal, InstantText, Money, Uuid } from './money.ts';

const text = Type.String();
const ofCustomer = { subject: 'customerId' };

export const OrderLine = Type.Object({
  lineId: text,
  productId: Type.Optional(text),
  sku: Type.Optional(text),
  title: text,
  quantity: Decimal,
  unit: Type.Optional(text),
  unitPrice: Decimal,
  /** Positive; already taken off `total`. */
  discount: Decimal,
  tax: Decimal,
  /** quantity x unitPrice - discount, as the source says. */
  total: Decimal,
});
export type OrderLine = Static<typeof OrderLine>;

export const Refund = Type.Object({ refundId: text, amount: Decimal, at: InstantText });
export type Refund = Static<typeof Refund>;

/**
 * An order as its source describes it. `total` is what the source says it comes to, whether or not lines, discount,
 * tax and shipping add up to it.
 */
export const orderFacts = {
  customerId: Uuid,
  number: text,
  status: Type.Union([Type.Literal('open'), Type.Literal('completed'), Type.Literal('cancelled')]),
  currency: Currency,
  lines: Type.Array(OrderLine),
  taxIncluded: Type.Boolean(),
  subtotal: Decimal,
  /** Discounts on the whole order, beyond those of the lines; positive. */
  discount: Decimal,
  tax: Decimal,
  shipping: Decimal,
  total: Decimal,
  paid: Decimal,
  placedAt: InstantText,
  cancelledAt: Type.Optional(InstantText),
  note: Type.Optional(Personal(text, ofCustomer)),
  externalId: Type.Optional(Type.Object({ connectionId: Uuid, id: text })),
};

/** Compared as (at, hash): the newer snapshot of an order wins, whatever the order of arrival. */
export const SnapshotStamp = Type.Object({ at: InstantText, hash: text });
export type SnapshotStamp = Static<typeof SnapshotStamp>;

export const orderEvents = {
  /**
   * `rate` is the price of one unit of `currency` in `baseCurrency` on that day, frozen here. Where no base currency is
   * configured or no rate is known, the order counts in its own currency, at 1.
   */
  OrderPlaced: event('order', {
    ...orderFacts,
    stamp: Type.Optional(SnapshotStamp),
    baseCurrency: Currency,
    rate: Decimal,
  }),
  /** With `baseCurrency` and `rate` where another currency or another date of placing froze them anew. */
  OrderChanged: event('order', {
    ...orderFacts,
    stamp: Type.Optional(SnapshotStamp),
    baseCurrency: Type.Optional(Currency),
    rate: Type.Optional(Decimal),
  }),
  /** The source repeated what is known, in a newer version. */
  OrderConfirmed: event('order', { stamp: SnapshotStamp }),
  OrderPaid: event('order', { paid: Decimal, currency: Currency }),
  OrderCancelled: event('order', { cancelledAt: InstantText }),
  OrderRefunded: event('order', { ...Refund.properties, currency: Type.Optional(Currency) }),
};
export type OrderEvent = EventOf<typeof orderEvents>;

export const Stage = Type.Object({
  id: text,
  name: text,
  /** Chance of winning a deal in this stage, 0 to 100. */
  probability: Type.Integer({ minimum: 0, maximum: 100 }),
});
export type Stage = Static<typeof Stage>;

export const pipelineEvents = {
  PipelineDefined: event('pipeline', { name: text, stages: Type.Array(Stage, { minItems: 1 }) }),
};
export type PipelineEvent = EventOf<typeof pipelineEvents>;

export const dealEvents = {
  DealOpened: event('deal', {
    customerId: Uuid,
    title: Personal(text, ofCustomer),
    value: Money,
    pipelineId: Uuid,
    stage: text,
    ownerId: Type.Optional(Uuid),
    expectedCloseOn: Type.Optional(DateText),
  }),
  DealDetailsChanged: event('deal', {
    customerId: Uuid,
    title: Type.Optional(Personal(text, ofCustomer)),
    value: Type.Optional(Money),
    ownerId: Type.Optional(Type.Union([Uuid, Type.Null()])),
    expectedCloseOn: Type.Optional(Type.Union([DateText, Type.Null()])),
  }),
  DealMoved: event('deal', { from: text, to: text }),
  DealWon: event('deal', { value: Money }),
  DealLost: event('deal', { customerId: Uuid, reason: Personal(text, ofCustomer) }),
};
export type DealEvent = EventOf<typeof dealEvents>;

export const exchangeRateEvents = {
  /** One unit of `currency` costs `rate` units of `base` from `date` on. */
  ExchangeRateSet: event('exchange-rate', { currency: Currency, base: Currency, rate: Decimal, date: DateText }),
};
export type ExchangeRateEvent = EventOf<typeof exchangeRateEvents>;

export const salesEvents = { ...orderEvents, ...pipelineEvents, ...dealEvents, ...exchangeRateEvents };
export type SalesEvent = EventOf<typeof salesEvents>;
