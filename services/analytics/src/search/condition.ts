/**
 * What a record's keys have to meet, in the one form that every engine compiles. It is true or false, never unknown: a
 * key that is not there fails everything but `not`.
 */
export type Condition =
  | { is: 'all'; of: readonly Condition[] }
  | { is: 'any'; of: readonly Condition[] }
  | { is: 'not'; of: Condition }
  /** One of the key's values is one of these. */
  | { is: 'oneOf'; field: string; values: readonly string[] }
  | { is: 'range'; field: string; above?: string; atLeast?: string; below?: string; atMost?: string }
  /** The folded value holds the text; it begins with it. */
  | { is: 'contains'; field: string; text: string }
  | { is: 'startsWith'; field: string; text: string }
  | { is: 'present'; field: string };

export const everything: Condition = { is: 'all', of: [] };
export const nothing: Condition = { is: 'any', of: [] };
export const allOf = (...of: Condition[]): Condition => (of.length === 1 ? (of[0] as Condition) : { is: 'all', of });
export const not = (of: Condition): Condition => ({ is: 'not', of });

/** A record's keys, as `keysOf` makes them. */
export type Keys = Readonly<Record<string, string | readonly string[]>>;

/** Says what every engine has to say: the definition of the filter, for the engines' contract suite. */
export function meets(keys: Keys, condition: Condition): boolean {
  const values = (field: string): readonly string[] => {
    const value = keys[field] ?? [];
    return typeof value === 'string' ? [value] : value;
  };
  switch (condition.is) {
    case 'all':
      return condition.of.every((one) => meets(keys, one));
    case 'any':
      return condition.of.some((one) => meets(keys, one));
    case 'not':
      return !meets(keys, condition.of);
    case 'oneOf':
      return values(condition.field).some((value) => condition.values.includes(value));
    case 'range': {
      const { above, atLeast, below, atMost } = condition;
      return values(condition.field).some(
        (value) =>
          (above === undefined || inOrder(above, value) < 0) &&
          (atLeast === undefined || inOrder(atLeast, value) <= 0) &&
          (below === undefined || inOrder(value, below) < 0) &&
          (atMost === undefined || inOrder(value, atMost) <= 0),
      );
    }
    case 'contains':
      return values(folded(condition.field)).some((value) => value.includes(condition.text));
    case 'startsWith':
      return values(folded(condition.field)).some((value) => value.startsWith(condition.text));
    case 'present':
      return values(condition.field).length > 0;
  }
}

/** The key that holds a field's folded values, and the one that it is sorted by where that is another than the field's. */
export const folded = (field: string): string => besides(field, '_text');
export const sorted = (field: string): string => besides(field, '_sort');

/**
 * Keys of fields that no release knows: `open.<name>` for texts, `open_number.<name>` for numbers and amounts, with
 * `open_text.<name>` and `open_sort.<name>` beside the texts. Engines keep each group in one place, so that a new
 * field needs no new index.
 */
export const openGroups = ['open', 'open_number', 'open_text', 'open_sort'] as const;
export type OpenGroup = (typeof openGroups)[number];
export const openKey = (group: OpenGroup, name: string): string => `${group}.${name}`;

/** The group and the name of an open key; undefined for the key of a declared field. */
export function openPartsOf(key: string): { group: OpenGroup; name: string } | undefined {
  const dot = key.indexOf('.');
  return dot < 0 ? undefined : { group: key.slice(0, dot) as OpenGroup, name: key.slice(dot + 1) };
}

type Values = Record<string, string | readonly string[]>;

/** Keys as an engine keeps them: the declared ones, and the open ones of each group by name. */
export function keptKeys(keys: Keys): { declared: Values; open: Partial<Record<OpenGroup, Values>> } {
  const declared: Values = {};
  const open: Partial<Record<OpenGroup, Values>> = {};
  for (const [key, value] of Object.entries(keys)) {
    const parts = openPartsOf(key);
    if (parts) (open[parts.group] ??= {})[parts.name] = value;
    else declared[key] = value;
  }
  return { declared, open };
}

function besides(field: string, suffix: '_text' | '_sort'): string {
  const open = openPartsOf(field);
  return open ? openKey(`open${suffix}`, open.name) : `${field}${suffix}`;
}

/** The values that some keys are compared with, as they stand. */
export function comparedWith(fields: readonly string[], condition: Condition): readonly string[] {
  switch (condition.is) {
    case 'all':
    case 'any':
      return condition.of.flatMap((one) => comparedWith(fields, one));
    case 'not':
      return comparedWith(fields, condition.of);
    case 'oneOf':
      return fields.includes(condition.field) ? condition.values : [];
    case 'range':
    case 'contains':
    case 'startsWith':
    case 'present':
      return [];
  }
}

/** The condition with more values beside some that these keys are compared with. */
export function widened(
  fields: readonly string[],
  more: ReadonlyMap<string, readonly string[]>,
  condition: Condition,
): Condition {
  switch (condition.is) {
    case 'all':
    case 'any':
      return { ...condition, of: condition.of.map((one) => widened(fields, more, one)) };
    case 'not':
      return { ...condition, of: widened(fields, more, condition.of) };
    case 'oneOf': {
      if (!fields.includes(condition.field)) return condition;
      const values = condition.values.flatMap((value) => [value, ...(more.get(value) ?? [])]);
      return { ...condition, values: [...new Set(values)] };
    }
    case 'range':
    case 'contains':
    case 'startsWith':
    case 'present':
      return condition;
  }
}

/** By code point, as the bytes of UTF-8 stand: `COLLATE "C"`, a keyword field. (JavaScript compares UTF-16 units.) */
export function inOrder(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (const [i, character] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    if (character !== other) return character.codePointAt(0)! - other.codePointAt(0)!;
  }
  return left.length - right.length;
}
