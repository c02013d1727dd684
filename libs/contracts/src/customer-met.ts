import { Type, type TSchema } from 'typebox';
import { Personal, described, event } from './event.ts';
import { FollowUp, directions, interactionKinds } from './interactions.ts';
import { InstantText, OneOf, Uuid } from './money.ts';

const personal = <T extends TSchema>(schema: T, description: string) =>
  described(Type.Optional(Personal(schema)), description);

/** In customers' own log, since it is one command: interactions logs it under the id that it names. */
export const customerMet = event(
  'customer',
  {
    interactionId: described(Uuid, 'The interaction that this is logged as.'),
    kind: OneOf(interactionKinds),
    direction: described(Type.Optional(OneOf(directions)), 'Who turned to whom, as we see it.'),
    subject: personal(Type.String(), 'What it was about, in a line.'),
    content: personal(Type.String(), 'What was said.'),
    outcome: personal(Type.String(), 'What came of it.'),
    participants: personal(Type.Array(Type.String()), 'Names of who took part.'),
    followUp: personal(FollowUp, 'What is to come next.'),
    startedAt: InstantText,
    endedAt: Type.Optional(InstantText),
  },
  { description: 'The customer was met, called or written to for the first time, and entered for that.' },
);
