import { isDeepStrictEqual } from 'node:util';
import {
  builtInSurvivorship,
  survivorshipsFor,
  type CustomerField,
  type Survivorship,
  type SurvivorshipEvent,
  type SurvivorshipRules,
} from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';
import { shown } from '../customer/field-names.ts';

export type SurvivorshipCommand = { type: 'ConfigureSurvivorship' } & SurvivorshipRules;

/** One stream holds them. */
export const survivorshipId = derivedId('survivorship-rules');

/** How merges choose among what the records of a customer say. */
export const survivorship: Decider<SurvivorshipRules, SurvivorshipCommand, SurvivorshipEvent> = {
  category: 'survivorship-rules',
  initial: builtInSurvivorship,

  decide(state, { type: _, ...wanted }) {
    const errors = errorsOf(wanted);
    if (errors.length > 0) throw invalid('invalid-survivorship-rules', errors);
    return isDeepStrictEqual(state, wanted) ? [] : [{ type: 'SurvivorshipConfigured', ...wanted }];
  },

  evolve: (_, { type: __, ...configured }) => configured,
};

const errorsOf = ({ rules }: SurvivorshipRules): FieldError[] =>
  (Object.entries(rules) as [CustomerField, Survivorship][]).flatMap(([field, rule]) =>
    survivorshipsFor(field).includes(rule) ? [] : [{ path: `fields.${shown(field)}.rule`, code: 'not-allowed' }],
  );
