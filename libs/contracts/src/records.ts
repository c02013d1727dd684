import { Type, type TSchema } from 'typebox';
import { ExternalId, customerFields } from './customers.ts';
import { FollowUp, directions, interactionKinds } from './interactions.ts';
import { setBy } from './golden-customer.ts';
import { DateText, InstantText, Money as MoneyOfEvents, OneOf, Uuid } from './money.ts';
import { OrderLine, Refund, orderFacts } from './sales.ts';

/** Records as the API answers them, by property; lists add to them what only analytics knows. Titles name schemas. */

const text = Type.String();
const optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const externalIds = Type.Array(Type.Object(ExternalId.properties, { title: 'ExternalId' }));

export const MoneyAnswer = Type.Object(MoneyOfEvents.properties, { title: 'Money' });

const { customerType: type, ...named } = customerFields;
const part = { id: Uuid, number: text, into: Type.Optional(Uuid), externalIds };
export const customerRecord = {
  number: text,
  ...named,
  type,
  lifecycleSince: Type.Optional(InstantText),
  lifecycleSetBy: Type.Optional(OneOf(setBy)),
  externalIds,
  archived: Type.Boolean(),
  /** Field -> the rule that its value follows from, where nobody said it. */
  inferred: Type.Optional(Type.Record(text, text)),
  /** Where several were merged: all of them, the one that answers for them first. */
  records: Type.Optional(Type.Array(Type.Object(part, { title: 'CustomerPart' }))),
};

const money = { unitPrice: MoneyAnswer, discount: MoneyAnswer, tax: MoneyAnswer, total: MoneyAnswer };
export const orderRecord = {
  customerId: Uuid,
  number: text,
  status: orderFacts.status,
  currency: orderFacts.currency,
  lines: Type.Array(Type.Object({ ...OrderLine.properties, ...money }, { title: 'OrderLine' })),
  taxIncluded: Type.Boolean(),
  subtotal: MoneyAnswer,
  discount: MoneyAnswer,
  tax: MoneyAnswer,
  shipping: MoneyAnswer,
  total: MoneyAnswer,
  paid: MoneyAnswer,
  refunded: MoneyAnswer,
  refunds: Type.Array(Type.Object({ ...Refund.properties, amount: MoneyAnswer }, { title: 'Refund' })),
  placedAt: InstantText,
  cancelledAt: Type.Optional(InstantText),
  note: Type.Optional(text),
  baseCurrency: orderFacts.currency,
  rate: orderFacts.total,
  externalIds,
};

export const dealRecord = {
  customerId: Uuid,
  title: optional(text),
  value: MoneyAnswer,
  pipelineId: Uuid,
  stage: text,
  status: OneOf(['open', 'won', 'lost']),
  ownerId: optional(Uuid),
  expectedCloseOn: optional(DateText),
  lostReason: optional(text),
};

export const interactionRecord = {
  customerId: Uuid,
  kind: OneOf(interactionKinds),
  direction: Type.Optional(OneOf(directions)),
  subject: Type.Optional(text),
  content: Type.Optional(text),
  outcome: Type.Optional(text),
  participants: Type.Optional(Type.Array(text)),
  followUp: Type.Optional(FollowUp),
  startedAt: InstantText,
  endedAt: Type.Optional(InstantText),
  archived: Type.Boolean(),
};
