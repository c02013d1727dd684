import { isDeepStrictEqual } from 'node:util';
import {
  builtInSurvivorship,
  survivorshipsFor,
  type ChosenField,
  type Survivorship,
  type SurvivorshipEvent,
  type SurvivorshipRules,
} from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';
import { shown } from '../customer/field-names.ts';
import type { FieldSet } from '../field/field-set.ts';
import { customKeyOf } from '../rules/rule-values.ts';

export type SurvivorshipCommand = { type: 'ConfigureSurvivorship' } & SurvivorshipRules;

/** One stream holds them. */
export const survivorshipId = derivedId('survivorship-rules');

/** How merges choose among what the records of a customer say. */
export const survivorship: Decider<SurvivorshipRules, SurvivorshipCommand, SurvivorshipEvent, FieldSet> = {
  category: 'survivorship-rules',
  initial: builtInSurvivorship,

  decide(state, { type: _, ...wanted }, { rules: fieldSet }) {
    const errors = errorsOf(wanted, fieldSet);
    if (errors.length > 0) throw invalid('invalid-survivorship-rules', errors);
    return isDeepStrictEqual(state, wanted) ? [] : [{ type: 'SurvivorshipConfigured', ...wanted }];
  },

  evolve: (_, { type: __, ...configured }) => configured,
};

const errorsOf = ({ rules }: SurvivorshipRules, { fields }: FieldSet): FieldError[] =>
  (Object.entries(rules) as [ChosenField, Survivorship][]).flatMap(([field, rule]): FieldError[] => {
    const key = customKeyOf(field);
    if (key !== undefined && !Object.hasOwn(fields, key)) return [{ path: `fields.${field}`, code: 'unknown-field' }];
    return survivorshipsFor(field).includes(rule) ? [] : [{ path: `fields.${shown(field)}.rule`, code: 'not-allowed' }];
  });
