import { Type, type Static } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { InstantText, OneOf, Uuid } from './money.ts';

export const interactionKinds = ['call', 'email', 'meeting', 'visit', 'message', 'note', 'event'] as const;
export type InteractionKind = (typeof interactionKinds)[number];
export const directions = ['inbound', 'outbound', 'internal'] as const;
export type Direction = (typeof directions)[number];

const ofCustomer = { subject: 'customerId' };
const text = Personal(Type.String(), ofCustomer);

export const FollowUp = Type.Object(
  { plan: described(Type.String(), 'What is to be done.'), dueAt: Type.Optional(InstantText) },
  { title: 'FollowUp' },
);
export type FollowUp = Static<typeof FollowUp>;

const customerId = described(Uuid, 'The customer’s record.');
const details = {
  subject: described(Type.Optional(text), 'What it was about, in a line.'),
  content: described(Type.Optional(text), 'What was said.'),
  outcome: described(Type.Optional(text), 'What came of it.'),
  participants: described(Type.Optional(Personal(Type.Array(Type.String()), ofCustomer)), 'Names of who took part.'),
  followUp: described(Type.Optional(Personal(FollowUp, ofCustomer)), 'What is to come next.'),
};

export const interactionEvents = {
  InteractionLogged: event(
    'interaction',
    {
      customerId,
      kind: OneOf(interactionKinds),
      direction: described(Type.Optional(OneOf(directions)), 'Who turned to whom, as we see it.'),
      ...details,
      startedAt: InstantText,
      endedAt: Type.Optional(InstantText),
    },
    { description: 'Somebody spoke with a customer, wrote, met, or made a note.' },
  ),
  InteractionDetailsChanged: event(
    'interaction',
    { customerId, ...details },
    { description: 'What was noted was corrected or completed. Only what changed is given.' },
  ),
  FollowUpDue: event(
    'interaction',
    { customerId, dueAt: described(InstantText, 'When it was due; what is to be done stands in the follow-up.') },
    { description: 'The follow-up that was planned fell due: once for each instant that it was planned for.' },
  ),
  InteractionArchived: event('interaction', { customerId }, { description: 'The note was put away.' }),
};
export type InteractionEvent = EventOf<typeof interactionEvents>;
