import { Type } from 'typebox';
import { described, event, type EventOf } from './event.ts';
import { Uuid } from './money.ts';

const text = Type.String();
const look = {
  colour: described(Type.Optional(Type.Union([text, Type.Null()])), 'As in CSS, `#rrggbb`.'),
  description: described(Type.Optional(Type.Union([text, Type.Null()])), 'When to give it.'),
};

/** Tags as records of their own. A customer holds names: whatever name a tag ever had means this tag. */
export const tagEvents = {
  TagCreated: event('tag', { name: text, ...look }, { description: 'A tag was made.' }),
  TagRenamed: event(
    'tag',
    { from: text, to: text },
    { description: 'The tag has another name; its former ones mean it too.' },
  ),
  TagDescribed: event('tag', look, { description: 'Colour or description changed. Only what changed is given.' }),
  TagsMerged: event(
    'tag',
    { absorbed: described(Type.Array(Uuid), 'The tags that mean this one from now on.') },
    { description: 'Other tags were merged into this one.' },
  ),
  TagAbsorbed: event('tag', { into: Uuid }, { description: 'The tag means another one from now on.' }),
  TagArchived: event('tag', {}, { description: 'The tag is not offered any more. Who has it keeps it.' }),
  TagRestored: event('tag', {}, { description: 'The tag is offered again.' }),
};
export type TagEvent = EventOf<typeof tagEvents>;
