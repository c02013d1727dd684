import type { FieldOption, FieldType, FormText } from '@throughline/contracts';

/** A field of the installation's own, as far as a form has to know it. */
export type CustomField = {
  key: string;
  type: FieldType;
  label: FormText;
  help: FormText | null;
  /** The kinds of customers that have to have it. */
  required: readonly string[];
  options: readonly FieldOption[];
  retired: boolean;
};
/** By key. What is asked for and not defined is a text. */
export type CustomFields = ReadonlyMap<string, CustomField>;

const customName = /^custom\.([\p{L}\p{N}_-]{1,50})$/u;

/** The key of a custom field by what forms call it, `custom.<key>`. */
export const customKey = (field: string): string | undefined => customName.exec(field)?.[1];

/** An amount is filled in beside its currency. */
export const moneyParts = (field: string) => ({ amount: `${field}.amount`, currency: `${field}.currency` });

/**
 * What was sent, as one text a field, such as customers reads: what was chosen of several is a JSON list, the currency stands
 * behind its amount, and nothing is said by a currency alone.
 *
 * @param entries names and texts as they were sent; of what is said twice, and can be said once, the last one counts
 */
export function valuesOf(entries: readonly (readonly [string, string])[], custom: CustomFields): Map<string, string> {
  const values = new Map(entries);
  for (const { key, type, options } of custom.values()) {
    const field = `custom.${key}`;
    if (type === 'multi-choice') {
      const chosen = entries.flatMap(([name, value]) => (name === field ? [value] : []));
      const isOption = chosen.length === 1 && options.some(({ value }) => value === chosen[0]);
      if (chosen.length > 1 || isOption) values.set(field, JSON.stringify(chosen));
    }
    if (type === 'money') {
      const { amount, currency } = moneyParts(field);
      const said = [values.get(amount), values.get(currency)];
      values.delete(amount);
      values.delete(currency);
      if (said[0] !== undefined) values.set(field, said.filter((text) => text !== undefined).join(' '));
    }
  }
  return values;
}

/** What people write in their own words: what is chosen is the same for many, as is where they work. */
export const written = (values: ReadonlyMap<string, string>, custom: CustomFields): ReadonlyMap<string, string> =>
  new Map(
    [...values].filter(([field]) => {
      const key = customKey(field);
      return key === undefined ? field === 'message' : (custom.get(key)?.type ?? 'text') === 'text';
    }),
  );
