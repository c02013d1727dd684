import { described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

/** Every service that may hold something of a person, and has to say that it no longer does. */
export const erasingServices = ['gateway', 'customers', 'interactions', 'sales', 'analytics'] as const;
export type ErasingService = (typeof erasingServices)[number];

const erasureId = described(Uuid, 'The erasure.');
const customerId = described(Uuid, 'The record of the person, whose key is the one that was destroyed.');

/** The course of an erasure, a stream of its own in customers. */
export const erasureEvents = {
  PersonErased: event(
    'erasure',
    { customerId },
    { description: 'The person’s key was destroyed: what was written about them cannot be read by anybody any more.' },
  ),
  ErasureAcknowledged: event(
    'erasure',
    { service: described(OneOf(erasingServices), 'Who no longer holds anything.') },
    { description: 'A service said that nothing of the person is left in what it derived.' },
  ),
  ErasureCompleted: event('erasure', { customerId }, { description: 'Every service said so. There is a certificate.' }),
};
export type ErasureEvent = EventOf<typeof erasureEvents>;

/** What each service says of its own part, in its own log. */
export const forgettingEvents = {
  PersonForgotten: event(
    'forgetting',
    { erasureId, customerId },
    { description: 'This service made anew, without the person, all that it had derived from their data.' },
  ),
};
export type ForgettingEvent = EventOf<typeof forgettingEvents>;
