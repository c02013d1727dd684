import { Type, type Static } from 'typebox';
import { Bilingual } from './consent.ts';
import { described, event, type EventOf } from './event.ts';

const key = Type.String({ pattern: '^[a-z][a-z0-9-]{0,49}$' });
const optionalKey = (description: string) => described(Type.Optional(key), description);

export const LifecycleStage = Type.Object(
  {
    key,
    label: Bilingual,
    moves: described(Type.Array(key), 'The stages that a customer may be moved into from here.'),
    outside: described(
      Type.Optional(Type.Boolean()),
      'Not a step of the ladder: by itself a customer comes back from here by an order alone, and never gets here.',
    ),
  },
  { title: 'LifecycleStage' },
);
export type LifecycleStage = Static<typeof LifecycleStage>;

export const AutomaticStages = Type.Object(
  {
    contact: optionalKey('Where the first conversation or deal leads.'),
    firstOrder: optionalKey('Where the first order leads.'),
    repeatOrders: Type.Optional(
      Type.Object({ count: Type.Integer({ minimum: 2, maximum: 1_000 }), stage: key }, { title: 'RepeatOrders' }),
    ),
  },
  { title: 'AutomaticStages', description: 'What leads into a stage by itself; what is left out leads nowhere.' },
);

const lifecycle = {
  stages: described(Type.Array(LifecycleStage), 'In the order in which customers go through them.'),
  automatic: AutomaticStages,
};
/** The stages of a customer's life, and how they are reached. */
export const Lifecycle = Type.Object(lifecycle, { title: 'Lifecycle' });
export type Lifecycle = Static<typeof Lifecycle>;

export const lifecycleEvents = {
  LifecycleConfigured: event('lifecycle', lifecycle, {
    description: 'The stages of the customers’ life were defined, as a whole.',
  }),
};
export type LifecycleEvent = EventOf<typeof lifecycleEvents>;

export const builtInLifecycle: Lifecycle = {
  stages: [
    { key: 'potential', label: { zh: '潜在', en: 'Potential' }, moves: ['intending', 'closed', 'lost'] },
    { key: 'intending', label: { zh: '意向', en: 'Intending' }, moves: ['potential', 'closed', 'lost'] },
    { key: 'closed', label: { zh: '成交', en: 'Closed' }, moves: ['loyal', 'lost'] },
    { key: 'loyal', label: { zh: '忠诚', en: 'Loyal' }, moves: ['closed', 'lost'] },
    {
      key: 'lost',
      label: { zh: '流失', en: 'Lost' },
      moves: ['potential', 'intending', 'closed', 'loyal'],
      outside: true,
    },
  ],
  automatic: { contact: 'intending', firstOrder: 'closed', repeatOrders: { count: 3, stage: 'loyal' } },
};
