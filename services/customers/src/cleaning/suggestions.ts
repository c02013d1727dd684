import type { CustomerFields } from '@throughline/contracts';
import { derivedId } from '@throughline/event-sourcing';
import {
  cleanCompanyName,
  cleanEmail,
  cleanPersonName,
  cleanRegistrationNumber,
  cleanSocialAccount,
  companyFromEmail,
  normalisePhone,
  readEmailDomain,
  regionFromPostcode,
  splitName,
  type Cleaned,
} from '@throughline/language';
import { asShown, tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { isInChina } from './china.ts';
import { errorsOf } from './errors.ts';

/** Something about one value that a person may want to change, or only to know: then it has no `changes`. */
export type Suggestion = {
  /** Made of field, rule and value: another value is another suggestion. */
  id: string;
  path: string;
  rule: string;
  kind: 'change' | 'warning';
  value: unknown;
  /** What would stand there instead. */
  to?: unknown;
  /** What accepting changes, by field. */
  changes?: CustomerInput;
};

/** Domain of an e-mail address -> the company whose it is known to be. */
export type CompanyDomains = Readonly<Record<string, string>>;
type Found = Omit<Suggestion, 'id' | 'kind'>;

/**
 * What could be better about a record, and what cannot be right. Values that people enter are refused where they are wrong;
 * what a source says is kept and shows up here.
 */
export function suggestionsFor(
  details: CustomerFields,
  { companies = {}, dismissed = [], now }: { companies?: CompanyDomains; dismissed?: readonly string[]; now: string },
): Suggestion[] {
  const found: Found[] = [
    ...namesOf(details),
    ...registrationOf(details),
    ...emailsOf(details),
    ...phonesOf(details),
    ...socialsOf(details),
    ...addressesOf(details),
    ...companyOf(details, companies),
  ];
  const told = new Set(found.map(({ path }) => path));
  const wrong = errorsOf(() => tidyFields(asShown(details), {}, { now, entry: 'person', rules: builtInRules }))
    .filter(({ path }) => !told.has(path))
    .map(({ path, code }): Found => ({ path, rule: code, value: valueAt(asShown(details), path) }));
  return [...found, ...wrong]
    .map((one): Suggestion => ({ ...one, id: idOf(one), kind: one.changes ? 'change' : 'warning' }))
    .filter(({ id }) => !dismissed.includes(id));
}

/** The names of list entries' places say nothing about the value. */
const idOf = ({ path, rule, value, to }: Found): string =>
  derivedId('suggestion', path.replace(/\.\d+/g, ''), rule, JSON.stringify([value ?? null, to ?? null]));

/** Domains of a customer's addresses that may tell its company. */
export const companyDomainsOf = ({ emails }: CustomerFields): string[] => [
  ...new Set((emails ?? []).flatMap(({ value }) => companyFromEmail(value)?.value.domain ?? [])),
];

type TextField = 'name' | 'givenName' | 'familyName' | 'companyName' | 'registrationNumber';

const ofText = (field: TextField, value: string, { suggestions }: Pick<Cleaned, 'suggestions'>): Found[] =>
  suggestions.map(({ rule, to }) => ({ path: field, rule, value, to, changes: { [field]: to } }));

function namesOf({ kind, name, givenName, familyName, companyName }: CustomerFields): Found[] {
  const isPerson = kind !== 'company';
  const person = { name, givenName, familyName };
  const parts = isPerson && name && !givenName && !familyName ? splitName(name) : null;
  return [
    ...Object.entries(isPerson ? person : {}).flatMap(([field, value]) =>
      value ? ofText(field as TextField, value, cleanPersonName(value)) : [],
    ),
    ...(!isPerson && name ? ofText('name', name, cleanCompanyName(name)) : []),
    ...(companyName ? ofText('companyName', companyName, cleanCompanyName(companyName)) : []),
    ...(parts ? [{ path: 'name', rule: 'name-in-parts', value: name, to: parts, changes: parts }] : []),
  ];
}

function registrationOf({ registrationNumber: value }: CustomerFields): Found[] {
  if (!value) return [];
  const read = cleanRegistrationNumber(value);
  const suggested = ofText('registrationNumber', value, read);
  if (suggested.length > 0 || read.problem === null) return suggested;
  return [{ path: 'registrationNumber', rule: `registration-number-${read.problem}`, value }];
}

/** The list with another entry at one place. */
const withEntry = <T>(list: readonly T[], index: number, entry: T): T[] => list.with(index, entry);

function emailsOf({ kind, emails = [] }: CustomerFields): Found[] {
  return (emails ?? []).flatMap((email, index): Found[] => {
    const { value } = email;
    const path = `emails.${index}.value`;
    const { suggestions, problem } = cleanEmail(value);
    if (problem !== null) return [{ path, rule: `email-${problem}`, value }];
    // Squatters collect what is mistyped: such a domain is better told as the one that was meant.
    if (suggestions.length > 0) {
      return suggestions.map(({ rule, to }) => {
        const changes = { emails: withEntry(emails ?? [], index, { ...email, value: to }) };
        return { path, rule, value, to, changes };
      });
    }
    const domain = readEmailDomain(value);
    return [
      ...(domain?.isDisposable ? [{ path, rule: 'email-disposable', value }] : []),
      ...(domain?.isRole && kind !== 'company' ? [{ path, rule: 'email-of-a-role', value }] : []),
    ];
  });
}

const phonesOf = ({ phones }: CustomerFields): Found[] =>
  (phones ?? []).flatMap(({ value, e164 }, index) =>
    e164 === undefined
      ? [{ path: `phones.${index}.value`, rule: `phone-${normalisePhone(value, 'CN').problem ?? 'invalid'}`, value }]
      : [],
  );

const socialsOf = ({ socials }: CustomerFields): Found[] =>
  (socials ?? []).flatMap(({ network, value }, index) => {
    const { problem } = cleanSocialAccount(network, value);
    return problem === null ? [] : [{ path: `socials.${index}.value`, rule: `social-${problem}`, value }];
  });

function addressesOf({ addresses }: CustomerFields): Found[] {
  return (addresses ?? []).flatMap((address, index): Found[] => {
    const { postcode, province, city } = address;
    const found = postcode && !province && !city && isInChina(address) ? regionFromPostcode(postcode) : null;
    if (!found) return [];
    const to = { ...address, province: found.value.province };
    const changes = { addresses: withEntry(addresses ?? [], index, to) };
    return [{ path: `addresses.${index}`, rule: found.rule, value: address, to, changes }];
  });
}

function companyOf(details: CustomerFields, companies: CompanyDomains): Found[] {
  if (details.companyName || details.kind === 'company') return [];
  const value = companyDomainsOf(details).find((domain) => Object.hasOwn(companies, domain));
  const to = value === undefined ? undefined : companies[value];
  if (value === undefined || to === undefined) return [];
  return [{ path: 'companyName', rule: 'company-from-email-domain', value, to, changes: { companyName: to } }];
}

const valueAt = (fields: object, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>> | null | undefined)?.[name], fields);
