import { Type } from 'typebox';
import type { CustomerField } from './customers.ts';
import { described, event, type EventOf } from './event.ts';
import { OneOf } from './money.ts';

/**
 * How the value of a field is chosen among the records of one customer:
 * - `survivor`: that of the record the others were merged into, where it has one; else the latest
 * - `latest`, `earliest`: by when it took effect
 * - `longest`: the longest text
 * - `all`: of lists, every entry once: as the survivor says it, with the label, say, that only another one gives it
 */
export const survivorships = ['survivor', 'latest', 'earliest', 'longest', 'all'] as const;
export type Survivorship = (typeof survivorships)[number];

/** Stands for all records that came from no connection. */
export const entered = 'entered';

/** A field of customers; one of the installation's own is chosen for itself, by the rule of `custom` unless it has one. */
export type ChosenField = CustomerField | `custom.${string}`;

type ByField<V> = { readonly [F in CustomerField]?: V } & { readonly [own: `custom.${string}`]: V };

/** The rule of each field, `survivor` where none is named. */
export type SurvivorshipRules = {
  readonly rules: ByField<Survivorship>;
  /**
   * Connections' ids and `entered`, the first one before all: only the values from the best of these sources are chosen
   * among; with `all`, its entries come first.
   */
  readonly sources?: ByField<string[]>;
};

/** The rule of a field and its ranking of sources. */
export function survivorshipOf(
  { rules, sources = {} }: SurvivorshipRules,
  field: ChosenField,
): { rule: Survivorship; sources: readonly string[] | undefined } {
  const name = field.startsWith('custom.') && !rules[field] ? 'custom' : field;
  return { rule: rules[name] ?? 'survivor', sources: sources[name] };
}

/** The fields that hold several entries. */
export const listFields = [
  'emails',
  'phones',
  'addresses',
  'socials',
  'tags',
  'productInterests',
  'hobbies',
  'competitors',
] as const;
export type ListField = (typeof listFields)[number];
export const isListField = (field: string): field is ListField => listFields.some((list) => list === field);

const textFields: readonly CustomerField[] = [
  'name',
  'givenName',
  'familyName',
  'companyName',
  'registrationNumber',
  'title',
  'department',
  'source',
  'channel',
  'campaign',
  'industry',
  'size',
  'region',
  'referralChannel',
];

/** The rules that make sense for a field. */
export const survivorshipsFor = (field: ChosenField): readonly Survivorship[] =>
  survivorships.filter((rule) =>
    rule === 'all' ? isListField(field) : rule === 'longest' ? textFields.some((one) => one === field) : true,
  );

export const builtInSurvivorship: SurvivorshipRules = {
  rules: {
    emails: 'all',
    phones: 'all',
    addresses: 'all',
    socials: 'all',
    tags: 'all',
    productInterests: 'all',
    hobbies: 'all',
    competitors: 'all',
    // Who brought a customer is whoever was first.
    source: 'earliest',
    channel: 'earliest',
    campaign: 'earliest',
    referredBy: 'earliest',
    referralChannel: 'earliest',
  },
};

const field = Type.String();

export const survivorshipEvents = {
  SurvivorshipConfigured: event(
    'survivorship-rules',
    {
      rules: described(
        Type.Record(field, OneOf(survivorships)),
        'Field -> how its value is chosen among the records of a customer; `survivor` where it is left out, of `custom.<key>` as of `custom`.',
      ),
      sources: described(
        Type.Optional(Type.Record(field, Type.Array(Type.String()))),
        'Field -> the sources whose word goes before that of others, the first one before all: ids of connections, `entered` for all records that came from none.',
      ),
    },
    {
      description:
        'How merges choose among values was defined, as a whole. Merges before keep the rules that they hold.',
    },
  ),
};
export type SurvivorshipEvent = EventOf<typeof survivorshipEvents>;
