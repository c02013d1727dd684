import type { SeenEvent } from '@throughline/contracts';
import type { Decider } from '@throughline/event-sourcing';

export type SeenCommand = { type: 'RecordSeen'; event: SeenEvent };
/** What was said already. Versions of one object are few. */
type Said = ReadonlySet<string>;

const versionOf = (event: SeenEvent): string => {
  switch (event.type) {
    case 'CustomerSeen':
      return `${event.stamp.rank} ${event.stamp.at} ${event.stamp.hash}`;
    case 'OrderSeen':
      return `${event.stamp.at} ${event.stamp.hash}`;
    case 'RefundSeen':
      return `${event.refundId} ${event.amount} ${event.at}`;
  }
};

/** One source object: the same word twice is recorded once. Which word counts is for its owner to decide. */
const seen = (category: string): Decider<Said, SeenCommand, SeenEvent> => ({
  category,
  initial: new Set(),
  decide: (said, { event }) => (said.has(versionOf(event)) ? [] : [event]),
  evolve: (said, event) => new Set([...said, versionOf(event)]),
});

export const seenDeciders: Readonly<Record<string, Decider<Said, SeenCommand, SeenEvent>>> = {
  'seen-customer': seen('seen-customer'),
  'seen-order': seen('seen-order'),
  'seen-refund': seen('seen-refund'),
};
