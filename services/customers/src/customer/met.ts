import type { CustomerEvent, Direction, FollowUp, InteractionKind } from '@throughline/contracts';
import { derivedId, type FieldError } from '@throughline/event-sourcing';

/** The first encounter with a customer, as whoever enters the customer tells it. */
export type Encounter = {
  kind: InteractionKind;
  direction?: Direction;
  subject?: string;
  content?: string;
  outcome?: string;
  participants?: string[];
  followUp?: FollowUp;
  startedAt?: string;
  endedAt?: string;
};
export type Met = Encounter & { interactionId: string };

/** A customer is entered once, so there is one first encounter. */
export const metId = (customerId: string): string => derivedId('customer-met', customerId);

const utc = (time: string): string => new Date(time).toISOString();

/** What interactions would refuse: it is refused here, since afterwards nobody is there to be told. */
export function metErrors({ startedAt, endedAt }: Encounter, now: string): FieldError[] {
  const begun = startedAt === undefined ? now : utc(startedAt);
  const errors: FieldError[] = [];
  if (begun > now) errors.push({ path: 'interaction.startedAt', code: 'in-the-future' });
  if (endedAt !== undefined && utc(endedAt) < begun) errors.push({ path: 'interaction.endedAt', code: 'before-start' });
  return errors;
}

/** Began now unless it is said when. */
export const customerMet = ({ startedAt, endedAt, ...met }: Met, now: string): CustomerEvent => ({
  type: 'CustomerMet',
  ...met,
  startedAt: startedAt === undefined ? now : utc(startedAt),
  ...(endedAt !== undefined && { endedAt: utc(endedAt) }),
});
