import { derivedId } from '@throughline/event-sourcing';
import { nameKey, normaliseEmail, registrationNumberKey } from '@throughline/language';
import { asFields, emailKeys, named, registrationKeys } from '../customer/customer-fields.ts';
import { namesCompany } from '../customer/customer-links.ts';
import { numberKey } from '../customer/unique-keys.ts';
import { companyRelations } from './import-company-fields.ts';
import type { RelationField } from './import-fields.ts';
import type { RelationKey } from './import-mapping.ts';
import type { CompanyReading, Relation, RowError, RowReading } from './import-row.ts';
import { relationError } from './row-errors.ts';

/** Something that may tell a customer, in comparable form. By `company` it is the name of one who is not a person. */
export type Lookup = { by: Exclude<RelationKey, 'name'> | 'name' | 'company'; value: string };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const forms: Readonly<Record<RelationKey, (text: string) => string | null>> = {
  id: (text) => (uuid.test(text) ? text.toLowerCase() : null),
  number: (text) => text,
  email: (text) => normaliseEmail(text).key,
  externalId: (text) => text,
  registrationNumber: registrationNumberKey,
  name: nameKey,
};

/** What a cell may be, the surest first. */
function guesses(text: string): RelationKey[] {
  if (uuid.test(text)) return ['id'];
  const isMail = normaliseEmail(text).address !== null;
  const isRegistered = /^(?=.*\d)[\dA-Z]{8,}$/.test(registrationNumberKey(text));
  return [
    'number',
    ...(isMail ? (['email'] as const) : []),
    ...(isRegistered ? (['registrationNumber'] as const) : []),
    'name',
  ];
}

/** By what the customer of a relation is looked for, in this order. */
export function lookupsOf({ field, value, findBy }: Pick<Relation, 'field' | 'value' | 'findBy'>): Lookup[] {
  const text = value.normalize('NFKC').trim();
  return (findBy ? [findBy] : guesses(text)).flatMap((key): Lookup[] => {
    const form = forms[key](text);
    if (!form) return [];
    return [{ by: key === 'name' && namesCompany(field) ? 'company' : key, value: form }];
  });
}

/** Names the command that makes a company, or says something of it, among those of an import. */
export const companyItem = (id: string, said?: string): string =>
  said === undefined ? `company ${id}` : `company ${id} ${said}`;

export const lookupKey = ({ by, value }: Lookup): string => `${by}:${value}`;

/** As which it is remembered of the rows of a file. */
export const noteKey = ({ by, value }: Lookup): string =>
  lookupKey({ by, value: by === 'number' ? numberKey(value) : value });

/** The key of the company that a relation makes where there is none; undefined where it makes none. */
export function companyToMake(relation: Relation): string | undefined {
  if (relation.whenMissing !== 'create' || normaliseEmail(relation.value).address !== null) return undefined;
  const named = lookupsOf(relation).find(({ by }) => by === 'company');
  return named && lookupKey(named);
}

/** By what relations of other rows of the file may mean the record of this one. */
export function calledBy({ row, id, number, externalId }: RowReading): string[] {
  const { name, kind, companyName } = named(asFields(row));
  const names = [name, kind === 'company' ? companyName : undefined].flatMap((one) => nameKey(one ?? '') || []);
  const all: [Lookup['by'], readonly string[]][] = [
    ['id', id === undefined ? [] : [id]],
    ['number', number === undefined ? [] : [number]],
    ['externalId', externalId === undefined ? [] : [externalId]],
    ['email', emailKeys(row)],
    ['registrationNumber', registrationKeys(row)],
    ['name', names],
    ['company', kind === 'person' ? [] : names],
  ];
  return [...new Set(all.flatMap(([by, values]) => values.map((value) => noteKey({ by, value }))))];
}

/**
 * How far an import is. A row that names the record of another row waits for the next round through the file, until that
 * one is there; in the last round nothing waits. A check goes through once, and waits for nothing.
 */
export type Round = { number: number; isLast: boolean } | 'check';

/**
 * Whom a relation means of those recorded: several, told by their numbers, or one: who was there, who was archived until
 * this import, or whom it made.
 */
export type Choice = { id: string; origin: 'there' | 'archived' | 'made' } | { numbers: readonly string[] };

/** What is known of whom a relation means. */
export type Seen = {
  /** Of the row itself. */
  line: number;
  choice: Choice | undefined;
  /** The line of the file whose record is meant, and whether that one may still be made. */
  mentioned: { line: number; isOpen: boolean } | undefined;
  round: Round;
};

export type Outcome =
  | { end: 'linked'; id: string }
  /** A company is made of it, under this key where there is none yet, or comes back from the archive. */
  | { end: 'made'; company: { id: string; isArchived: boolean } | { key: string }; warning: RowError }
  | { end: 'waits' | 'left-open' }
  | { end: 'empty'; warning: RowError }
  | { end: 'wrong'; error: RowError };

/** A company that a row names: not there, only archived, or there and known more of by what the row says. */
export type NamedCompany = {
  id: string;
  name: string;
  relation: Relation;
  status: 'missing' | 'archived' | 'there';
  said: CompanyReading | undefined;
};

/** The customers that a row names. */
export type Named = { readonly [F in RelationField]?: string };

/**
 * Somebody in each of the installation's own fields whose customer only the run can tell, so that such a field does not count
 * as empty.
 */
export const somebodyIn = (relations: readonly Relation[]): Named =>
  Object.fromEntries(
    relations.flatMap(({ field, value }) =>
      field.startsWith('custom.') ? [[field, derivedId('somebody', value)] as const] : [],
    ),
  );

/** What the relations of a row come to. */
export type Settled = {
  links: Named;
  /** To be made or changed before the row is carried out. */
  companies: readonly NamedCompany[];
  waits: boolean;
  errors: readonly RowError[];
  warnings: readonly RowError[];
};

/** What a relation comes to. */
export function outcomeOf(relation: Relation, { line, choice, mentioned, round }: Seen): Outcome {
  const wrong = (code: string, params?: object): Outcome => ({
    end: 'wrong',
    error: relationError(relation, code, params),
  });
  const key = companyToMake(relation);
  if (choice) {
    if ('numbers' in choice) return wrong('relation-ambiguous', { numbers: choice.numbers.join(', ') });
    const { id, origin } = choice;
    if (!key || origin === 'there') return { end: 'linked', id };
    const code = origin === 'archived' ? 'relation-restored' : 'relation-created';
    const company = { id, isArchived: origin === 'archived' };
    return { end: 'made', company, warning: relationError(relation, code) };
  }
  if (mentioned?.line === line) return wrong('not-itself');
  if (mentioned?.isOpen) {
    if (round === 'check') return { end: 'left-open' };
    return round.isLast ? wrong('relation-unsettled') : { end: 'waits' };
  }
  if (key) return { end: 'made', company: { key }, warning: relationError(relation, 'relation-created') };
  if (relation.whenMissing !== 'leave-empty') return wrong('relation-not-found');
  return { end: 'empty', warning: relationError(relation, 'relation-left-empty') };
}

/** The company that a relation came to, where something is to be done about it. @param idOf of a company of that key */
export function companyOf(
  relation: Relation,
  outcome: Outcome,
  said: CompanyReading | undefined,
  idOf: (key: string) => string,
): NamedCompany[] {
  const company = { name: relation.value, relation, said };
  if (outcome.end === 'linked') return said ? [{ ...company, id: outcome.id, status: 'there' }] : [];
  if (outcome.end !== 'made') return [];
  const made = outcome.company;
  if ('key' in made) return [{ ...company, id: idOf(made.key), status: 'missing' }];
  return [{ ...company, id: made.id, status: made.isArchived ? 'archived' : 'there' }];
}

/** What a row is told of a company of which it says something, and which nothing names. */
export function leftOut({ role, reading: { places } }: CompanyReading): RowError[] {
  const [column] = places.values();
  // Defaults alone say nothing of a row.
  return column === undefined ? [] : [{ column, code: 'company-left-out', params: { field: companyRelations[role] } }];
}
