import { Type, type Static } from 'typebox';
import { Bilingual } from './consent.ts';
import { described, event, type EventOf } from './event.ts';
import { OneOf } from './money.ts';

const text = Type.String();

/**
 * What a rule asks of a field:
 * - `required`: it is there
 * - `dependent`: it is there where another field has one of some values
 * - `format`: its texts have a form
 * - `range`: a number, an amount or a day lies between two others; texts and lists are so long
 * - `unique`: no other record holds the value
 */
export const ruleKinds = ['required', 'format', 'range', 'unique', 'dependent'] as const;
export type RuleKind = (typeof ruleKinds)[number];

const bound = (description: string) => described(Type.Optional(Type.Union([Type.Number(), text])), description);

export const ValidationRule = Type.Object(
  {
    id: described(Type.String({ pattern: '^[a-z][a-z0-9-]{0,49}$' }), 'What a failure names it by.'),
    kind: OneOf(ruleKinds),
    field: described(text, 'As records have it: `emails`, `custom.level`.'),
    when: described(
      Type.Optional(Type.Object({ field: text, in: Type.Array(text, { minItems: 1 }) }, { title: 'RuleCondition' })),
      'It holds only where that field has one of these values.',
    ),
    customerKind: described(Type.Optional(OneOf(['person', 'company'] as const)), 'It holds only for these.'),
    pattern: described(Type.Optional(text), 'Of `format`: what the whole text has to match.'),
    min: bound(
      'Of `range`: a number; an amount as text; a day, `today`, `today-18y`; of texts and lists their length.',
    ),
    max: bound('Likewise, the greatest that is right.'),
    currency: described(Type.Optional(text), 'Of `range`: amounts of this currency alone are judged.'),
    message: described(Bilingual, 'What people are told.'),
  },
  { title: 'ValidationRule' },
);
export type ValidationRule = Static<typeof ValidationRule>;

/** What values have to be like, whoever enters them. */
export type RuleSet = { rules: readonly ValidationRule[] };
export const noRules: RuleSet = { rules: [] };

export const ruleSetEvents = {
  RuleSetDefined: event(
    'rule-set',
    {
      object: described(text, 'Whose rules they are: `customer`.'),
      rules: described(Type.Array(ValidationRule), 'All of them, in place of those before.'),
    },
    { description: 'What the values of records have to be like was defined, as a whole.' },
  ),
};
export type RuleSetEvent = EventOf<typeof ruleSetEvents>;
