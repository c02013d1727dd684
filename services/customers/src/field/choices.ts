import { converted } from './custom-values.ts';
import { fieldSet, type FieldCommand, type FieldSet } from './field-set.ts';

type Values = Readonly<Record<string, unknown>>;

/** The commands by which a field set gets to know all that is chosen in custom fields as tables have them. */
export function optionsChosen(set: FieldSet, given: readonly Values[]): FieldCommand[] {
  const chosen = new Map<string, Set<string>>();
  for (const [key, value] of given.flatMap((values) => Object.entries(values))) {
    const field = Object.hasOwn(set.fields, key) ? set.fields[key] : undefined;
    if (field?.type !== 'choice' && field?.type !== 'multi-choice') continue;
    const texts = [converted(field, value)].flat().filter((text) => typeof text === 'string');
    chosen.set(key, new Set([...(chosen.get(key) ?? []), ...texts]));
  }
  return [...chosen].map(([key, values]) => ({
    type: 'AddFieldOptions',
    object: 'customer',
    key,
    values: [...values],
  }));
}

/** The field set as it would be with them. */
export const withChosen = (set: FieldSet, given: readonly Values[]): FieldSet =>
  optionsChosen(set, given).reduce(
    (state, command) => fieldSet.decide(state, command, noContext).reduce(fieldSet.evolve, state),
    set,
  );

const noContext = { now: '', entry: 'import', rules: undefined } as const;
