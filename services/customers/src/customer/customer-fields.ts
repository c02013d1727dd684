import { isDeepStrictEqual } from 'node:util';
import {
  withOnePrimary,
  type CustomerField,
  type CustomerFields,
  type Entry,
  type WayIn,
} from '@throughline/contracts';
import { invalid, type DecideContext, type FieldError } from '@throughline/event-sourcing';
import { normaliseEmail, registrationNumberKey } from '@throughline/language';
import { phoneCountries, phoneOf } from '../cleaning/phone-countries.ts';
import { converted, customErrors } from '../field/custom-values.ts';
import type { FieldSet } from '../field/field-set.ts';
import { brokenRules, rulesInForce } from '../rules/broken-rules.ts';
import type { CustomerRules } from './customer-rules.ts';

/** Say in what is bought. */
export const standings = [
  'decision-maker',
  'approver',
  'influencer',
  'champion',
  'user',
  'purchaser',
  'gatekeeper',
  'opponent',
] as const;
/** What an address is for. */
export const addressUses = ['post', 'visit'] as const;

/** What is said in parts: what is said of one says nothing of the others. */
export const partedFields = ['productNeeds', 'servicePreference', 'review'] as const;
/** What is changed by a merge patch of its own. */
export const patchedFields: readonly CustomerField[] = [...partedFields, 'custom'];

const longest = 500;
const mostCustom = 200;

/** The fields as callers name them: an event cannot have a field called `type`. */
export type CustomerInput = Omit<CustomerFields, 'customerType'> & { type?: string | null };

export const asFields = ({ type, ...fields }: CustomerInput): CustomerFields =>
  type === undefined ? fields : { ...fields, customerType: type };
export const asShown = ({ customerType, ...fields }: CustomerFields): CustomerInput =>
  customerType === undefined ? fields : { ...fields, type: customerType };

/** Where a customer came from, by the way it was entered, unless it is said. Whoever carries it in knows better. */
const sourceOf: Partial<Record<Entry | WayIn, string>> = {
  person: 'manual',
  'quick-add': 'quick-add',
  api: 'api',
  import: 'import',
  form: 'web-form',
};

export function withSource(fields: CustomerInput, way: Entry | WayIn): CustomerInput {
  const source = sourceOf[way];
  return source === undefined || (fields.source !== undefined && fields.source !== '') ? fields : { ...fields, source };
}

/** The comparable forms of a customer's addresses. */
export const emailKeys = ({ emails }: CustomerFields): string[] => [
  ...new Set((emails ?? []).flatMap(({ value }) => normaliseEmail(value).key ?? [])),
];

/** The comparable forms of a customer's phones: those that are valid numbers. */
export const phoneKeys = ({ phones }: CustomerFields): string[] => [
  ...new Set((phones ?? []).flatMap(({ e164 }) => e164 ?? [])),
];

/** The comparable form of a company's number in its register. */
export const registrationKeys = ({ registrationNumber }: CustomerFields): string[] => {
  const key = registrationNumberKey(registrationNumber ?? '');
  return key === '' ? [] : [key];
};

/** Phones with their E.164 form beside what was entered; numbers without a country code are read as the addresses'. */
export function withE164(fields: CustomerFields, known: CustomerFields = {}): CustomerFields {
  if (!fields.phones) return fields;
  const countries = phoneCountries(fields.addresses ?? known.addresses);
  return {
    ...fields,
    phones: fields.phones.map(({ e164: _, ...phone }) => {
      const { e164 } = phoneOf(phone.value, countries);
      return e164 ? { ...phone, e164 } : phone;
    }),
  };
}

/**
 * Checks what a person or a program wants to record, and brings it into its normal form.
 *
 * @param known the fields that the record has already; undefined where it is new
 * @param others what is wrong with what came along
 * @throws Refusal `invalid-customer` that names every failing field
 */
export function tidyFields(
  input: CustomerInput,
  known: CustomerFields | undefined,
  { now, entry, rules: { fieldSet, ruleSet, linkErrors = [], kindErrors = [] } }: DecideContext<CustomerRules>,
  others: readonly FieldError[] = [],
): CustomerFields {
  const errors = [...others];
  const details = known ?? {};
  const said = withoutEmpty(asFields(input));
  const given = entry === 'import' ? withConverted(said, fieldSet) : said;
  const tidy = inNormalForm(given, details);
  const after = { ...details, ...tidy };
  if (!after.name?.trim()) errors.push({ path: 'name', code: 'required' });
  for (const [path, value] of Object.entries(asShown(tidy))) {
    if (typeof value === 'string' && value.length > longest) errors.push({ path, code: 'too-long' });
  }
  if (countOf(tidy.custom) > mostCustom) {
    errors.push({ path: 'custom', code: 'too-many-fields', params: { limit: mostCustom } });
  }
  tidy.emails?.forEach(({ value }, index) => {
    if (!normaliseEmail(value).address) errors.push({ path: `emails.${index}.value`, code: 'wrong-type' });
  });
  tidy.phones?.forEach(({ value }, index) => {
    if (!/\d/.test(value.normalize('NFKC'))) errors.push({ path: `phones.${index}.value`, code: 'wrong-type' });
  });
  if (tidy.birthDate && !exists(tidy.birthDate)) errors.push({ path: 'birthDate', code: 'impossible-date' });
  else if (tidy.birthDate && tidy.birthDate > now.slice(0, 10)) {
    errors.push({ path: 'birthDate', code: 'in-the-future' });
  }
  const kinds = { before: details.kind ?? 'person', after: after.kind ?? 'person' };
  errors.push(
    ...choiceErrors(tidy),
    ...linkErrors,
    ...(tidy.kind === 'person' ? kindErrors : []),
    ...customErrors(given.custom ?? {}, known && (details.custom ?? {}), after.custom ?? {}, { set: fieldSet, kinds }),
    ...brokenRules(rulesInForce(ruleSet, fieldSet), { before: known, after, now }),
  );
  if (errors.length > 0) throw invalid('invalid-customer', errors);
  return tidy;
}

/** Who leaves a text empty says that there is none. */
function withoutEmpty(fields: CustomerFields): CustomerFields {
  return ofPatched(noneForEmpty(fields), (_, said) => noneForEmpty(said));
}

const noneForEmpty = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === '' ? null : value])) as T;

function choiceErrors({ standing, addresses, review }: CustomerFields): FieldError[] {
  const isOneOf = (choices: readonly string[], value: string | null | undefined) => !value || choices.includes(value);
  const { satisfaction = 1 } = review ?? {};
  return [
    ...(isOneOf(standings, standing) ? [] : [{ path: 'standing', code: 'not-allowed' }]),
    ...(addresses ?? []).flatMap(({ use }, index) =>
      isOneOf(addressUses, use) ? [] : [{ path: `addresses.${index}.use`, code: 'not-allowed' }],
    ),
    ...(satisfaction >= 1 && satisfaction <= 5 ? [] : [{ path: 'review.satisfaction', code: 'out-of-range' }]),
  ];
}

/** Tables and forms hold texts: custom fields are read from them in their types. */
export function withConverted(fields: CustomerFields, { fields: defined }: FieldSet): CustomerFields {
  if (!fields.custom) return fields;
  const read = Object.entries(fields.custom).map(([key, value]) => {
    const field = Object.hasOwn(defined, key) ? defined[key] : undefined;
    return [key, field && value !== null ? converted(field, value) : value];
  });
  return { ...fields, custom: Object.fromEntries(read) as Json };
}

/** The fields that a record would get, right or wrong. */
export const inNormalForm = (fields: CustomerFields, details: CustomerFields): CustomerFields =>
  patched(withOnePrimaryEach(withE164(named(fields, details), details)), details);

const marked = ['emails', 'phones', 'addresses', 'socials'] as const satisfies readonly CustomerField[];

function withOnePrimaryEach(fields: CustomerFields): CustomerFields {
  const lists = marked.flatMap((field) => {
    const entries: readonly { primary?: boolean }[] = fields[field] ?? [];
    const once = withOnePrimary(entries);
    return once.some((entry, index) => entry !== entries[index]) ? [[field, once]] : [];
  });
  return lists.length > 0 ? { ...fields, ...(Object.fromEntries(lists) as CustomerFields) } : fields;
}

/**
 * Custom fields and parts are merged one by one, as RFC 7396 has it: null takes one away, what is not named stays. Of what
 * has no part left nothing is said.
 */
const patched = (fields: CustomerFields, details: CustomerFields): CustomerFields =>
  ofPatched(fields, (field, said) => {
    const all = merged((details[field] as Json | undefined) ?? null, said);
    return field === 'custom' || Object.keys(all).length > 0 ? all : null;
  });

const ofPatched = (fields: CustomerFields, to: (field: CustomerField, said: Json) => Json | null): CustomerFields => ({
  ...fields,
  ...Object.fromEntries(
    patchedFields.flatMap((field) => (isObject(fields[field]) ? [[field, to(field, fields[field])]] : [])),
  ),
});

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Custom fields, those within others as well. */
const countOf = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce<number>((count, inner) => count + 1 + countOf(inner), 0);

function merged(target: Json | null, patch: Json): Json {
  const result: Json = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = isObject(value) ? merged(isObject(result[name]) ? result[name] : {}, value) : value;
  }
  return result;
}

/** The merge patch that makes one object of another (RFC 7396). */
export function patchBetween(from: Json, to: Json): Json {
  const gone = Object.keys(from).filter((name) => !Object.hasOwn(to, name));
  const changed = Object.entries(to).flatMap(([name, value]) => {
    const before = from[name];
    if (isDeepStrictEqual(before, value)) return [];
    return [[name, isObject(before) && isObject(value) ? patchBetween(before, value) : value]];
  });
  return Object.fromEntries([...gone.map((name) => [name, null]), ...changed]) as Json;
}

/** A person's name from its parts, a company's from its company name, where none was given. */
export function named(fields: CustomerFields, details: CustomerFields = {}): CustomerFields {
  if (fields.name || (fields.name === undefined && details.name)) return fields;
  const { givenName, familyName, companyName } = fields;
  const parts = [givenName, familyName].filter((part): part is string => Boolean(part));
  const isHan = parts.some((part) => /\p{Script=Han}/u.test(part));
  const name = isHan ? [familyName, givenName].filter(Boolean).join('') : parts.join(' ');
  const given = name || companyName;
  return given ? { ...fields, name: given } : fields;
}

const exists = (date: string): boolean => {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
};
