import { Type, type Static } from 'typebox';
import { Personal, described, event, known, type EventOf, type Instant, type RecordedOf } from './event.ts';
import type { CustomerEvent } from './customers.ts';
import { InstantText, OneOf, Uuid } from './money.ts';

export const confirmationWays = ['person', 'customer'] as const;
export type ConfirmationWay = (typeof confirmationWays)[number];
export const askingWays = ['call', 'email'] as const;
export type AskingWay = (typeof askingWays)[number];

const ofCustomer = { subject: 'customerId' };
const customerId = described(Uuid, 'The record that it is about.');
const ownerId = described(Type.Optional(Uuid), 'Who looks after the customer.');
const days = Type.Integer({ minimum: 1, maximum: 3_650 });

export const VerificationFailure = Type.Object(
  {
    field: described(Type.String(), 'As records have it: `emails`, `custom.level`.'),
    code: described(Type.String(), 'What is wrong with it; `rule-failed` where a rule says so.'),
    ruleId: Type.Optional(Type.String()),
  },
  { title: 'VerificationFailure' },
);
export type VerificationFailure = Static<typeof VerificationFailure>;

/** What is found out about a record without changing it: a stream for each, beside the customer's own. */
export const careEvents = {
  RecordConfirmed: event(
    'care',
    { customerId, how: described(OneOf(confirmationWays), 'Who said so: one of us, or the customer.') },
    { description: 'What is recorded of the customer was said to be still right.' },
  ),
  ConfirmationDue: event(
    'care',
    {
      customerId,
      ownerId,
      dueAt: described(InstantText, 'When it fell due: so long after the last confirmation.'),
      by: described(OneOf(askingWays), 'How the customer is to be asked.'),
    },
    { description: 'Nobody confirmed what is recorded for as long as is configured: somebody should ask.' },
  ),
  ConfirmationEscalated: event(
    'care',
    { customerId, ownerId, dueAt: described(InstantText, 'When it had fallen due.') },
    { description: 'Nobody confirmed it after it had fallen due either.' },
  ),
  EmailBounced: event(
    'care',
    {
      customerId,
      address: described(Personal(Type.String(), ofCustomer), 'The address, as it was written to.'),
      reason: described(Type.Optional(Personal(Type.String(), ofCustomer)), 'What the mail server said.'),
    },
    { description: 'A message to the customer could not be delivered.' },
  ),
  VerificationFailed: event(
    'care',
    {
      customerId,
      ownerId,
      failures: described(Type.Array(VerificationFailure), 'All that is wrong, in place of what was before.'),
    },
    { description: 'Something else than before is wrong with what is recorded of the customer.' },
  ),
  VerificationPassed: event(
    'care',
    { customerId },
    { description: 'What was wrong with what is recorded of the customer is not any more.' },
  ),
  NewCustomerPeriodEnded: event(
    'care',
    {
      customerId,
      orderedUntil: described(InstantText, 'Whose first order was until then is no new customer any more.'),
    },
    { description: 'The customer’s first order is so long ago that it counts as an existing one.' },
  ),
};
export type CareEvent = EventOf<typeof careEvents>;

const settings = {
  confirmAfterDays: described(
    Type.Object({ person: days, company: days }, { title: 'DaysByKind' }),
    'Days after which a customer is to be asked whether what is recorded still holds.',
  ),
  askBy: OneOf(askingWays),
  escalateAfterDays: described(days, 'Days from then on until others are told.'),
  newForDays: described(days, 'Local days for which a customer is new, from the first order on.'),
};
/** How customers are looked after. */
export const CareSettings = Type.Object(settings, { title: 'CareSettings' });
export type CareSettings = Static<typeof CareSettings>;

export const careSettingsEvents = {
  CareConfigured: event('care-settings', settings, { description: 'How customers are looked after was configured.' }),
};
export type CareSettingsEvent = EventOf<typeof careSettingsEvents>;

export const builtInCare: CareSettings = {
  confirmAfterDays: { person: 180, company: 180 },
  askBy: 'call',
  escalateAfterDays: 14,
  newForDays: 30,
};

export type Bounce = { address: string; reason?: string; at: Instant };
/** What care knows of a record. */
export type Care = {
  confirmedAt: Instant | null;
  /** `change`: somebody or a source changed or repeated it. */
  confirmedBy: ConfirmationWay | 'change' | null;
  /** The question that is open, or was the last one. */
  due: { dueAt: Instant; by: AskingWay; at: Instant; escalatedAt?: Instant } | null;
  bounced: readonly Bounce[];
  /** What the last verification found wrong, and when that was found. */
  failures: readonly VerificationFailure[];
  failedAt: Instant | null;
  /** A first order until then makes no new customer any more. */
  orderedUntil: Instant | null;
};
export const noCare: Care = {
  confirmedAt: null,
  confirmedBy: null,
  due: null,
  bounced: [],
  failures: [],
  failedAt: null,
  orderedUntil: null,
};

/** What care knows after an event of the customer's own stream or of its care. */
export function careAfter(before: Care, event: RecordedOf<CustomerEvent | CareEvent>): Care {
  const { effectiveAt: at } = event;
  switch (event.type) {
    case 'CustomerCreated':
    case 'CustomerConfirmed':
      return confirmed(before, at, 'change');
    case 'CustomerDetailsChanged':
      // What follows by rules confirms nothing.
      return 'stamp' in event.data || event.meta.actor.type !== 'policy' ? confirmed(before, at, 'change') : before;
    case 'CustomerErased':
      return noCare;
    case 'RecordConfirmed':
      return confirmed(before, at, event.data.how);
    case 'ConfirmationDue': {
      const { dueAt, by } = event.data;
      return { ...before, due: { dueAt, by, at } };
    }
    case 'ConfirmationEscalated':
      return before.due ? { ...before, due: { ...before.due, escalatedAt: at } } : before;
    case 'EmailBounced': {
      const address = known(event.data.address);
      const reason = known(event.data.reason);
      if (address === undefined) return before;
      const others = before.bounced.filter((bounce) => bounce.address !== address);
      return { ...before, bounced: [...others, { address, ...(reason !== undefined && { reason }), at }] };
    }
    case 'VerificationFailed':
      return { ...before, failures: event.data.failures, failedAt: at };
    case 'VerificationPassed':
      return { ...before, failures: [], failedAt: null };
    case 'NewCustomerPeriodEnded':
      return { ...before, orderedUntil: event.data.orderedUntil };
    case 'CustomerMet':
    case 'CustomerValuesClaimed':
    case 'CustomerSuggestionDismissed':
    case 'CustomerArchived':
    case 'CustomerRestored':
    case 'CustomersMerged':
    case 'CustomersUnmerged':
    case 'CustomerAbsorbed':
    case 'CustomerReleased':
      return before;
  }
}

const confirmed = (before: Care, at: Instant, confirmedBy: Care['confirmedBy']): Care =>
  before.confirmedAt !== null && before.confirmedAt > at ? before : { ...before, confirmedAt: at, confirmedBy };

const later = (a: Instant | null, b: Instant | null) => (a === null || (b !== null && b > a) ? b : a);

const hasBounced = ({ bounced }: Care, address: string) => bounced.some((bounce) => bounce.address === address);

/** What is known of all records of a customer together, the one that answers for them first. */
export function careOf([top = noCare, ...others]: readonly Care[]): Care {
  return others.reduce<Care>(
    (all, one) => ({
      ...all,
      ...(later(all.confirmedAt, one.confirmedAt) !== all.confirmedAt && {
        confirmedAt: one.confirmedAt,
        confirmedBy: one.confirmedBy,
      }),
      bounced: [...all.bounced, ...one.bounced.filter(({ address }) => !hasBounced(all, address))],
      orderedUntil: later(all.orderedUntil, one.orderedUntil),
    }),
    top,
  );
}

/** Whether somebody should ask, and nobody has confirmed it since. */
export const isStale = ({ due, confirmedAt }: Care): boolean =>
  due !== null && (confirmedAt === null || confirmedAt <= due.at);
