import { Type } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

const text = Type.String();

/** Work that changes many records, each change with the batch's id, so that the whole can be undone. */
export const batchKinds = ['import', 'bulk-change', 'merge', 'undo'] as const;
export type BatchKind = (typeof batchKinds)[number];

export const batchEvents = {
  BatchStarted: event(
    'batch',
    {
      kind: OneOf(batchKinds),
      title: described(Type.Optional(Personal(text)), 'What it is called, for example the name of the file.'),
      params: described(Type.Optional(Personal(Type.Record(text, Type.Unknown()))), 'What is to be done.'),
      undoes: described(Type.Optional(Uuid), 'The batch that this one takes back.'),
      undoesConnection: described(Type.Optional(Uuid), 'The connection whose word this one takes back.'),
    },
    { description: 'Work on many records began. What it changes carries the id of the batch.' },
  ),
  BatchFinished: event(
    'batch',
    { counts: described(Type.Record(text, Type.Integer()), 'How many records came to which end.') },
    { description: 'All of it was done.' },
  ),
};
export type BatchEvent = EventOf<typeof batchEvents>;
