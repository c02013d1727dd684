import { Type, type Static } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { Currency, DateText, Decimal, InstantText, Money, Uuid } from './money.ts';

const text = Type.String();
const ofCustomer = { subject: 'customerId' };

export const OrderLine = Type.Object(
  {
    lineId: described(text, 'Id of the line within its order.'),
    productId: described(Type.Optional(text), 'Id of the product in its source.'),
    sku: described(Type.Optional(text), 'Article number.'),
    title: described(text, 'Name of what was bought.'),
    quantity: Decimal,
    unit: described(Type.Optional(text), 'Unit of the quantity, where it is not pieces.'),
    unitPrice: Decimal,
    discount: described(Decimal, 'Positive; already taken off `total`.'),
    tax: Decimal,
    total: described(Decimal, 'quantity x unitPrice - discount, as the source says.'),
  },
  { title: 'OrderLine' },
);
export type OrderLine = Static<typeof OrderLine>;

export const Refund = Type.Object(
  {
    refundId: described(text, 'Id of the refund in its source.'),
    amount: described(Decimal, 'What was given back; positive.'),
    at: described(InstantText, 'When it was given back.'),
  },
  { title: 'Refund' },
);
export type Refund = Static<typeof Refund>;

/**
 * An order as its source describes it. `total` is what the source says it comes to, whether or not lines, discount,
 * tax and shipping add up to it.
 */
export const orderFacts = {
  customerId: described(Uuid, 'Record of the buyer, as the source named it.'),
  number: described(text, 'Number for people.'),
  status: Type.Union([Type.Literal('open'), Type.Literal('completed'), Type.Literal('cancelled')]),
  currency: described(Currency, 'Currency of all amounts of the order.'),
  lines: Type.Array(OrderLine),
  taxIncluded: described(Type.Boolean(), 'Whether prices contain the tax.'),
  subtotal: described(Decimal, 'Sum of the lines.'),
  discount: described(Decimal, 'Discounts on the whole order, beyond those of the lines; positive.'),
  tax: Decimal,
  shipping: Decimal,
  total: described(Decimal, 'What the order comes to, as the source says.'),
  paid: described(Decimal, 'All that was paid so far.'),
  placedAt: InstantText,
  cancelledAt: Type.Optional(InstantText),
  note: described(Type.Optional(Personal(text, ofCustomer)), 'What the buyer or the clerk wrote.'),
  externalId: described(
    Type.Optional(Type.Object({ connectionId: Uuid, id: described(text, 'Id in the source, as text.') })),
    'The order in its source, where it came from one.',
  ),
};

export const SnapshotStamp = Type.Object(
  {
    at: described(InstantText, 'When the source changed it.'),
    hash: described(text, 'Keyed hash of the content: settles what has the same time.'),
  },
  {
    title: 'SnapshotStamp',
    description: 'Compared as (at, hash): the newer snapshot of an order wins, whatever the order of arrival.',
  },
);
export type SnapshotStamp = Static<typeof SnapshotStamp>;

const stamp = described(SnapshotStamp, 'The version of the source, where a source said it.');
const baseCurrency = described(Currency, 'The organisation’s currency on that day.');
const rate = described(Decimal, 'Price of one unit of `currency` in `baseCurrency`, frozen here.');

export const orderEvents = {
  OrderPlaced: event(
    'order',
    { ...orderFacts, stamp: Type.Optional(stamp), baseCurrency, rate },
    {
      description:
        'An order was placed, or first seen. Where no base currency is configured or no rate is known, it counts in its own currency, at 1.',
    },
  ),
  OrderChanged: event(
    'order',
    {
      ...orderFacts,
      stamp: Type.Optional(stamp),
      baseCurrency: Type.Optional(baseCurrency),
      rate: Type.Optional(rate),
    },
    {
      description:
        'A source describes the order anew: all facts are given. `baseCurrency` and `rate` are there where another currency or date froze them anew.',
    },
  ),
  OrderConfirmed: event('order', { stamp }, { description: 'The source repeated what is known, in a newer version.' }),
  OrderPaid: event(
    'order',
    { paid: described(Decimal, 'All that was paid so far.'), currency: Currency },
    { description: 'More of the order is paid.' },
  ),
  OrderCancelled: event('order', { cancelledAt: InstantText }, { description: 'The order was cancelled.' }),
  OrderRefunded: event(
    'order',
    { ...Refund.properties, currency: described(Type.Optional(Currency), 'That of the order where it is left out.') },
    { description: 'Money was given back.' },
  ),
};
export type OrderEvent = EventOf<typeof orderEvents>;

export const Stage = Type.Object(
  {
    id: described(text, 'Id within the pipeline.'),
    name: text,
    probability: described(
      Type.Integer({ minimum: 0, maximum: 100 }),
      'Chance of winning a deal in this stage, 0 to 100.',
    ),
  },
  { title: 'Stage' },
);
export type Stage = Static<typeof Stage>;

export const pipelineEvents = {
  PipelineDefined: event(
    'pipeline',
    { name: text, stages: described(Type.Array(Stage, { minItems: 1 }), 'In the order in which deals pass them.') },
    { description: 'A pipeline was made or defined anew, as a whole.' },
  ),
};
export type PipelineEvent = EventOf<typeof pipelineEvents>;

const customerId = described(Uuid, 'Record of the customer.');
const title = described(Personal(text, ofCustomer), 'What the deal is called.');
const value = described(Money, 'What it would bring.');
const ownerId = described(Uuid, 'The employee who works on it.');
const expectedCloseOn = described(DateText, 'The day on which it should be decided.');
const stageId = described(text, 'Id of a stage of the pipeline.');

export const dealEvents = {
  DealOpened: event(
    'deal',
    {
      customerId,
      title,
      value,
      pipelineId: Uuid,
      stage: stageId,
      ownerId: Type.Optional(ownerId),
      expectedCloseOn: Type.Optional(expectedCloseOn),
    },
    { description: 'Somebody began to work on a sale.' },
  ),
  DealDetailsChanged: event(
    'deal',
    {
      customerId,
      title: Type.Optional(title),
      value: Type.Optional(value),
      ownerId: Type.Optional(Type.Union([ownerId, Type.Null()])),
      expectedCloseOn: Type.Optional(Type.Union([expectedCloseOn, Type.Null()])),
    },
    { description: 'Fields of the deal changed. Only those are given; null clears one.' },
  ),
  DealMoved: event('deal', { from: stageId, to: stageId }, { description: 'The deal went into another stage.' }),
  DealWon: event('deal', { value: described(Money, 'What it brings.') }, { description: 'The customer said yes.' }),
  DealLost: event(
    'deal',
    { customerId, reason: described(Personal(text, ofCustomer), 'Why, in the words of who closed it.') },
    { description: 'The deal came to nothing.' },
  ),
};
export type DealEvent = EventOf<typeof dealEvents>;

export const exchangeRateEvents = {
  ExchangeRateSet: event(
    'exchange-rate',
    {
      currency: Currency,
      base: described(Currency, 'What the price is in.'),
      rate: described(Decimal, 'Price of one unit of `currency` in `base`.'),
      date: described(DateText, 'The day from which on it holds.'),
    },
    { description: 'From a day on, one unit of a currency costs so much of another.' },
  ),
};
export type ExchangeRateEvent = EventOf<typeof exchangeRateEvents>;

export const salesEvents = { ...orderEvents, ...pipelineEvents, ...dealEvents, ...exchangeRateEvents };
export type SalesEvent = EventOf<typeof salesEvents>;
