import { isCurrency } from '@throughline/contracts';
import { importPolicies, type ImportMode, type ImportPolicies } from '../customer/customer-import.ts';
import { namesCompany } from '../customer/customer-links.ts';
import {
  companyFieldOf,
  companyFields,
  companyRelations,
  companyRoles,
  hasPolicy,
  mappedFieldOf,
  type CompanyRole,
} from './import-company-fields.ts';
import { importFieldOf, isPermission, type ImportField } from './import-fields.ts';
import { invalid, type FieldError } from '@throughline/event-sourcing';
import { foldText } from '@throughline/language';
import type { DateOrder } from '@throughline/tables';

/** How a row finds the record that it is about. */
export const matchKeys = ['none', 'number', 'id', 'email', 'phone', 'externalId', 'registrationNumber'] as const;
export type MatchKey = (typeof matchKeys)[number];
export const importModes = ['create', 'update', 'both'] as const;
export const dateOrders = ['ymd', 'dmy', 'mdy'] as const;
/** By what a relation finds its customer. */
export const relationKeys = ['id', 'number', 'name', 'email', 'externalId', 'registrationNumber'] as const;
export type RelationKey = (typeof relationKeys)[number];
/** What becomes of a relation whose customer is not there: `create` makes a company of that name. */
export const missingChoices = ['fail', 'leave-empty', 'create'] as const;
export type WhenMissing = (typeof missingChoices)[number];

export type MappedColumn = {
  /** The column's name in the header. */
  column: string;
  field: string;
  /** What a phone, an e-mail or an address is used for. Columns of one label make one address. */
  label?: string | undefined;
  /** What stands in a cell -> the value that it means. */
  values?: Readonly<Record<string, string>> | undefined;
  /** Of a relation; by default the first by which a customer is found: id, number, e-mail, register number, name. */
  findBy?: RelationKey | undefined;
  /** Of a relation; `fail` by default. */
  whenMissing?: WhenMissing | undefined;
};

export type ImportMapping = {
  columns: readonly MappedColumn[];
  /** Values of fields where a row has none. They never replace what a record has already. */
  defaults: Readonly<Record<string, string>>;
  matchBy: MatchKey;
  mode: ImportMode;
  /** By field; `overwrite`, and `add` for lists, unless said; `if-empty` of those of a company. */
  policies: ImportPolicies;
  /** Of dates that could be read in two ways. */
  dateOrder?: DateOrder | undefined;
  /** IANA name: of times that name no zone; the organisation's where it is left out. */
  timeZone?: string | undefined;
  /** ISO code of two letters: of phone numbers without a country code. */
  country?: string | undefined;
  /** ISO code: of amounts that name no currency. */
  currency?: string | undefined;
  /** Choices that nobody defined become options of their fields. */
  createMissingOptions?: boolean | undefined;
  /** Whose external ids they are. */
  connectionId?: string | undefined;
};

/** The field whose column holds the key. */
export const matchFields: Readonly<Record<Exclude<MatchKey, 'none'>, string>> = {
  number: 'number',
  id: 'id',
  email: 'emails',
  phone: 'phones',
  externalId: 'externalId',
  registrationNumber: 'registrationNumber',
};

/** Width, case, blanks, traditional characters and what marks a required column say nothing: `Phone 2 *` is `phone2`. */
const folded = (name: string): string => foldText(name).replace(/[\s_\-*:：]+/g, '');

/** Columns of some fields say more about themselves: `Email (work)`, `手机2`, `Work phone`. */
function partsOf(name: string): { bare: string; label: string | undefined } {
  const text = name.normalize('NFKC').replace(/\p{Cf}/gu, '');
  const [, before = text, label] = /^(.*?)\s*[([【]([^)\]】]*)[)\]】]\s*\*?$/.exec(text) ?? [];
  return { bare: folded(before).replace(/(?<=\D)\d{1,2}$/, ''), label: label?.trim() || undefined };
}

const labelled = new Set(['phones', 'emails', 'address']);

/** What the columns of a header are likely to be. A field that is one value is taken by the first column that fits. */
export function suggestedColumns(header: readonly string[], fields: readonly ImportField[]): MappedColumn[] {
  const columns = likelyColumns(header, fields);
  return isExported(columns) ? columns : columns.filter(({ field }) => !isPermission(field));
}

/** A table of records as they were at a version. */
export const isExported = (columns: readonly MappedColumn[]): boolean =>
  columns.some(({ field }) => field === 'version');

function likelyColumns(header: readonly string[], fields: readonly ImportField[]): MappedColumn[] {
  const isRelation = ({ kind, custom }: ImportField) => kind === 'relation' && !custom;
  // A column of another field's name is no relation unless somebody says so.
  const ranked = [...fields.filter((field) => !isRelation(field)), ...fields.filter(isRelation)];
  const columns = columnsCalled(header, ranked);
  // Where a column names the company, that one's columns are called `Company phone`.
  const named = companyRoles.filter((role) => columns.some(({ field }) => field === companyRelations[role]));
  if (named.length === 0 || isExported(columns)) return columns;
  return columnsCalled(header, [...named.flatMap((role) => companyFields(fields, role)), ...ranked]);
}

/** @param ranked of two fields of one name the first is meant */
function columnsCalled(header: readonly string[], ranked: readonly ImportField[]): MappedColumn[] {
  const known = new Map<string, ImportField>();
  const names = (one: ImportField) => [one.field, one.label.en, one.label.zh];
  // What a field is called goes before what others are called as well.
  for (const namesOf of [names, ({ aliases = [] }: ImportField) => aliases]) {
    for (const one of ranked) {
      for (const name of namesOf(one)) if (!known.has(folded(name))) known.set(folded(name), one);
    }
  }
  const taken = new Set<string>();
  return header.flatMap((column): MappedColumn[] => {
    if (column === '') return [];
    const custom = /^custom\.[^.]{1,100}$/.test(column) ? importFieldOf(ranked, column) : undefined;
    const { bare, label } = partsOf(column);
    const found = custom ?? known.get(folded(column)) ?? known.get(bare);
    if (!found) return [];
    const { field, kind } = found;
    const isMany = kind === 'phones' || kind === 'emails' || kind === 'tags';
    const key = kind === 'address' ? `${field} ${label ?? ''}` : field;
    if (taken.has(key) && !isMany) return [];
    taken.add(key);
    return [{ column, field, ...(label !== undefined && labelled.has(kind) && { label }) }];
  });
}

/** A whole mapping to begin with. */
export function suggestedMapping(header: readonly string[], fields: readonly ImportField[]): ImportMapping {
  const columns = suggestedColumns(header, fields);
  const has = (field: string) => columns.some((column) => column.field === field);
  const keys = ['id', 'number', 'registrationNumber', 'email', 'phone'] as const;
  const matchBy = keys.find((key) => has(matchFields[key])) ?? 'none';
  return {
    columns,
    defaults: {},
    matchBy,
    mode: matchBy === 'id' ? 'update' : 'both',
    policies: {},
  };
}

/** Ids that rows are not found by would be lost, and a second record made of each. */
export const losesIds = ({ columns, matchBy }: ImportMapping): boolean =>
  matchBy !== 'id' && columns.some(({ field }) => field === 'id');

/** @throws Refusal `invalid-mapping` with everything that does not fit the header and the fields */
export function checkMapping(mapping: ImportMapping, header: readonly string[], fields: readonly ImportField[]): void {
  const errors: FieldError[] = [];
  const { columns, defaults, matchBy, policies, mode, timeZone, country, currency, connectionId } = mapping;
  const seen = new Set<string>();
  columns.forEach(({ column, field, findBy, whenMissing }, index) => {
    if (column === '' || !header.includes(column)) {
      errors.push({ path: `columns.${index}.column`, code: 'unknown-column' });
    }
    if (seen.has(`${column}\u0000${field}`)) errors.push({ path: `columns.${index}.column`, code: 'repeated' });
    seen.add(`${column}\u0000${field}`);
    const found = mappedFieldOf(fields, field);
    if (!found) errors.push({ path: `columns.${index}.field`, code: 'unknown-field' });
    else if (isSingle(found) && columns.findIndex((one) => one.field === field) < index) {
      errors.push({ path: `columns.${index}.field`, code: 'repeated' });
    }
    if (isPermission(field) && !isExported(columns)) {
      errors.push({ path: `columns.${index}.field`, code: 'permission-stays' });
    }
    if (field === 'id' && losesIds(mapping)) errors.push({ path: `columns.${index}.field`, code: 'id-not-matched' });
    if (found && findBy !== undefined && found.kind !== 'relation') {
      errors.push({ path: `columns.${index}.findBy`, code: 'not-allowed' });
    }
    if (found && whenMissing !== undefined && !mayBe(whenMissing, found, findBy)) {
      errors.push({ path: `columns.${index}.whenMissing`, code: 'not-allowed' });
    }
  });
  for (const field of Object.keys(defaults)) {
    const found = mappedFieldOf(fields, field);
    if (!found || notByDefault.has(field) || isPermission(field))
      errors.push({ path: `defaults.${field}`, code: 'unknown-field' });
  }
  errors.push(...companyErrors(mapping));
  for (const [field, policy] of Object.entries(policies)) {
    if (!hasPolicy(fields, field)) errors.push({ path: `policies.${field}`, code: 'unknown-field' });
    if (!importPolicies.some((one) => one === policy)) errors.push({ path: `policies.${field}`, code: 'not-allowed' });
  }
  const has = (field: string) => columns.some((one) => one.field === field);
  if (matchBy !== 'none' && !has(matchFields[matchBy])) errors.push({ path: 'matchBy', code: 'column-missing' });
  if (matchBy === 'none' && mode === 'update') errors.push({ path: 'mode', code: 'key-missing' });
  const isExternal = has('externalId') || columns.some(({ findBy }) => findBy === 'externalId');
  if ((isExternal || matchBy === 'externalId') && connectionId === undefined) {
    errors.push({ path: 'connectionId', code: 'required' });
  }
  if (has('version') && matchBy !== 'id') errors.push({ path: 'matchBy', code: 'not-allowed' });
  if (timeZone !== undefined && !isTimeZone(timeZone)) errors.push({ path: 'timeZone', code: 'not-allowed' });
  if (country !== undefined && !/^[A-Z]{2}$/.test(country)) errors.push({ path: 'country', code: 'not-allowed' });
  if (currency !== undefined && !isCurrency(currency)) errors.push({ path: 'currency', code: 'unknown-currency' });
  if (columns.length === 0) errors.push({ path: 'columns', code: 'required' });
  if (errors.length > 0) throw invalid('invalid-mapping', errors);
}

/** What is said of a company takes something that names it, and a table of records as they were exported says none of it. */
function companyErrors({ columns, defaults }: ImportMapping): FieldError[] {
  const names = new Set([...columns.map(({ field }) => field), ...Object.keys(defaults)]);
  const errorOf = (path: string, name: string): FieldError[] => {
    const role = companyFieldOf(name)?.role;
    if (!role) return [];
    if (names.has('version')) return [{ path, code: 'not-allowed' }];
    const field = companyRelations[role];
    return names.has(field) ? [] : [{ path, code: 'relation-missing', params: { field } }];
  };
  return [
    ...columns.flatMap(({ field }, index) => errorOf(`columns.${index}.field`, field)),
    ...Object.keys(defaults).flatMap((field) => errorOf(`defaults.${field}`, field)),
  ];
}

/** What a mapping says of a company that rows name, as if they were its own; undefined where it says nothing. */
export function companyMapping(mapping: ImportMapping, role: CompanyRole): ImportMapping | undefined {
  const ofRole = <T>(given: Readonly<Partial<Record<string, T>>>) =>
    Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => {
        const found = companyFieldOf(name);
        return found?.role === role ? [[found.field, value as T]] : [];
      }),
    );
  const columns = mapping.columns.flatMap((column) => {
    const found = companyFieldOf(column.field);
    return found?.role === role ? [{ ...column, field: found.field }] : [];
  });
  const defaults = ofRole(mapping.defaults);
  if (columns.length === 0 && Object.keys(defaults).length === 0) return undefined;
  return { ...mapping, columns, defaults, policies: ofRole(mapping.policies) };
}

/** Only a company can be made of nothing but its name. */
const mayBe = (whenMissing: WhenMissing, { field, kind }: ImportField, findBy: RelationKey | undefined): boolean =>
  kind === 'relation' &&
  (whenMissing !== 'create' || (namesCompany(field) && (findBy === undefined || findBy === 'name')));

const notByDefault = new Set(['id', 'version', 'number', 'externalId', 'createdAt']);
const severalTimes = new Set(['phones', 'emails', 'tags', 'address']);
const isSingle = ({ kind }: ImportField): boolean => !severalTimes.has(kind);

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
