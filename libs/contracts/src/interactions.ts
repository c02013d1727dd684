import { Type, type Static } from 'typebox';
import { Personal, event, type EventOf } from './event.ts';
import { InstantText, OneOf, Uuid } from './money.ts';

export const interactionKinds = ['call', 'email', 'meeting', 'visit', 'message', 'note', 'event'] as const;
export type InteractionKind = (typeof interactionKinds)[number];
export const directions = ['inbound', 'outbound', 'internal'] as const;
export type Direction = (typeof directions)[number];

const ofCustomer = { subject: 'customerId' };
const text = Personal(Type.String(), ofCustomer);

export const FollowUp = Type.Object({ plan: Type.String(), dueAt: Type.Optional(InstantText) });
export type FollowUp = Static<typeof FollowUp>;

export const interactionEvents = {
  InteractionLogged: event('interaction', {
    customerId: Uuid,
    kind: OneOf(interactionKinds),
    direction: Type.Optional(OneOf(directions)),
    subject: Type.Optional(text),
    content: Type.Optional(text),
    outcome: Type.Optional(text),
    participants: Type.Optional(Personal(Type.Array(Type.String()), ofCustomer)),
    followUp: Type.Optional(Personal(FollowUp, ofCustomer)),
    startedAt: InstantText,
    endedAt: Type.Optional(InstantText),
  }),
  InteractionDetailsChanged: event('interaction', {
    customerId: Uuid,
    subject: Type.Optional(text),
    content: Type.Optional(text),
    outcome: Type.Optional(text),
    participants: Type.Optional(Personal(Type.Array(Type.String()), ofCustomer)),
    followUp: Type.Optional(Personal(FollowUp, ofCustomer)),
  }),
  InteractionArchived: event('interaction', { customerId: Uuid }),
};
export type InteractionEvent = EventOf<typeof interactionEvents>;
