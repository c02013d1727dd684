import { cellAccounts, cellEntries, type Address, type Instant } from '@throughline/contracts';
import { parseAddress } from '@throughline/language';
import { isScientificNumber, readDate, type Cell } from '@throughline/tables';
import { namesCountry, phoneCountries, phoneOf } from '../cleaning/phone-countries.ts';
import { emailKeys, registrationKeys, type CustomerInput } from '../customer/customer-fields.ts';
import type { ImportPolicies } from '../customer/customer-import.ts';
import { choiceCell } from './choice-cell.ts';
import { customCell } from './custom-cell.ts';
import { companyRoles, ofCompany, type CompanyRole } from './import-company-fields.ts';
import { importFieldOf, isParted, recordFieldOf, type ImportField, type RelationField } from './import-fields.ts';
import {
  companyMapping,
  type ImportMapping,
  type MappedColumn,
  type RelationKey,
  type WhenMissing,
} from './import-mapping.ts';

/** What is wrong with a row, and in which column where it is one. */
export type RowError = { column: string | null; code: string; params?: Readonly<Record<string, unknown>> };

/** What a cell says of another customer, who is still to be found. */
export type Relation = {
  field: RelationField;
  column: string | null;
  value: string;
  findBy?: RelationKey | undefined;
  whenMissing: WhenMissing;
};

/** What a row says. */
export type RowReading = {
  /** Without its relations. */
  row: CustomerInput;
  relations: readonly Relation[];
  /** What it says of companies that it names, of those of which it says something. */
  companies: readonly CompanyReading[];
  id?: string;
  /** As an ETag has it: the version of each of the record's streams. */
  version?: string;
  number?: string;
  externalId?: string;
  createdAt?: Instant;
  matchBy: ImportMapping['matchBy'];
  /** As the mapping has them, but for fields that got a default: it only fills what is empty. */
  policies: ImportPolicies;
  errors: readonly RowError[];
  /** Field, or field and place of a list's entry -> the column that it came from, or where it would stand. */
  places: ReadonlyMap<string, string>;
  /** How many of its cells are results of formulas. */
  formulas: number;
};

export type CompanyReading = { role: CompanyRole; reading: RowReading };

type Given = { column: MappedColumn | undefined; definition: ImportField; text: string };

const kinds: Readonly<Record<string, 'person' | 'company'>> = {
  person: 'person',
  individual: 'person',
  个人: 'person',
  company: 'company',
  organisation: 'company',
  organization: 'company',
  公司: 'company',
  企业: 'company',
  单位: 'company',
};

/** Reads rows of a table by a mapping of its columns. */
export function rowReader(
  header: readonly string[],
  mapping: ImportMapping,
  fields: readonly ImportField[],
): (cells: readonly Cell[]) => RowReading {
  const columns = mapping.columns.flatMap((column) => {
    const definition = importFieldOf(fields, column.field);
    return definition ? [{ column, definition, index: header.indexOf(column.column) }] : [];
  });
  const defaults = Object.entries(mapping.defaults).flatMap(([field, text]): Given[] => {
    const definition = importFieldOf(fields, field);
    return definition ? [{ column: undefined, definition, text }] : [];
  });
  const companies = companyRoles.flatMap((role) => {
    const own = companyMapping(mapping, role);
    return own ? [{ role, read: rowReader(header, own, fields.map(ofCompany)) }] : [];
  });

  return (cells) => {
    const reading = new Reading(mapping);
    for (const { column, definition, index } of columns) {
      const cell = cells[index];
      const text = cell && reading.textOf(cell, column);
      if (text !== undefined) reading.take({ column, definition, text });
    }
    for (const given of defaults) reading.takeDefault(given);
    return withCompanies(
      reading.done(),
      companies.map(({ role, read }) => ({ role, reading: read(cells) })),
    );
  };
}

/** A wrong cell of its company is one of the row. */
const withCompanies = (reading: RowReading, companies: readonly CompanyReading[]): RowReading =>
  companies.length === 0
    ? reading
    : {
        ...reading,
        companies: companies.filter((company) => Object.keys(company.reading.row).length > 0),
        errors: [reading, ...companies.map((company) => company.reading)].flatMap(({ errors }) => errors),
        formulas: companies.reduce((sum, company) => sum + company.reading.formulas, reading.formulas),
      };

class Reading {
  readonly #row: Record<string, unknown> = {};
  readonly #beside: { id?: string; version?: string; number?: string; externalId?: string; createdAt?: Instant } = {};
  readonly #errors: RowError[] = [];
  readonly #places = new Map<string, string>();
  readonly #addresses = new Map<string, Address>();
  readonly #relations: Relation[] = [];
  #policies: ImportPolicies;
  #formulas = 0;

  constructor(private readonly mapping: ImportMapping) {
    this.#policies = mapping.policies;
  }

  /** Undefined where nothing stands in the cell, or nothing that can be taken. */
  textOf({ type, text: given, formula }: Cell, { column, values }: MappedColumn): string | undefined {
    if (formula) this.#formulas += 1;
    const text = given.trim();
    if (type === 'error') return this.#wrong(column, 'cell-error', { error: text });
    if (text === '') return formula ? this.#wrong(column, 'formula-without-value') : undefined;
    if (!text.isWellFormed() || text.includes('\0')) return this.#wrong(column, 'invalid-text');
    // What means nothing is as if nothing stood there.
    return (values && Object.hasOwn(values, text) ? values[text] : text) || undefined;
  }

  take({ column, definition, text }: Given): void {
    const { field, kind } = definition;
    const { label, column: name } = column ?? { column: '' };
    const place = (path: string) => void (column && !this.#places.has(path) && this.#places.set(path, name));
    switch (kind) {
      case 'text':
        this.#row[field] = text;
        return place(field);
      case 'code':
        if (isScientificNumber(text)) return this.#wrong(name, 'scientific-number');
        this.#code(field, name, text);
        return place(field);
      case 'kind': {
        const found = kinds[text.toLowerCase()];
        if (!found) return this.#wrong(name, 'not-allowed');
        this.#row[field] = found;
        return place(field);
      }
      case 'choice': {
        const chosen = choiceCell(definition.choices ?? [], text) ?? (definition.takesOthers ? text : undefined);
        if (chosen === undefined) return this.#wrong(name, 'not-allowed');
        this.#row[field] = chosen;
        return place(field);
      }
      case 'tags': {
        const tags = [...new Set([...((this.#row[field] as string[] | undefined) ?? []), ...cellEntries(text)])];
        this.#row[field] = tags;
        return place(field);
      }
      case 'emails':
      case 'phones': {
        const list = (this.#row[field] ??= []) as { value: string; label?: string }[];
        for (const part of cellEntries(text)) {
          if (kind === 'phones' && isScientificNumber(part)) {
            this.#wrong(name, 'scientific-number');
            continue;
          }
          place(`${field}.${list.length}`);
          list.push({ value: part, ...(label !== undefined && { label }) });
        }
        return place(field);
      }
      case 'date':
      case 'instant':
        return this.#date(kind, field, name, text, place);
      case 'address':
        this.#address(field, label ?? '', text);
        return place('addresses');
      case 'social': {
        const list = (this.#row['socials'] ??= []) as { network: string; value: string }[];
        for (const value of cellAccounts(text)) {
          place(`socials.${list.length}`);
          list.push({ network: field.slice('socials.'.length), value });
        }
        return place('socials');
      }
      case 'relation':
        if (isScientificNumber(text)) return this.#wrong(name, 'scientific-number');
        if (text.length > longestName) return this.#wrong(name, 'too-long');
        this.#relations.push(relationOf(field as RelationField, column, text));
        return place(field);
      case 'grade':
        if (!/^\d(\.0+)?$/.test(text.normalize('NFKC'))) return this.#wrong(name, 'wrong-type');
        this.#part(field, Number(text.normalize('NFKC')));
        return place(field);
      case 'part':
        this.#part(field, text);
        return place(field);
      case 'permission':
        return;
      case 'custom': {
        const read = definition.custom ? customCell(definition.custom, text, this.mapping) : { value: text };
        if ('code' in read) return this.#wrong(name, read.code);
        const custom = (this.#row['custom'] ??= {}) as Record<string, unknown>;
        custom[field.slice('custom.'.length)] = read.value;
        return place(field);
      }
    }
  }

  takeDefault(given: Given): void {
    const field = recordFieldOf(given.definition.field);
    const isRelated = this.#relations.some((one) => one.field === given.definition.field);
    const isGiven = field === 'addresses' ? this.#addresses.size > 0 : this.#row[field] !== undefined;
    const isOneOfSeveral = field === 'custom' || isParted(field);
    if (isRelated || (isGiven && !isOneOfSeveral)) return;
    const several = this.#row[field] as Record<string, unknown> | undefined;
    if (isOneOfSeveral && several && given.definition.field.slice(`${field}.`.length) in several) return;
    const sound = this.#errors.length;
    this.take(given);
    const wrong = this.#errors.splice(sound);
    this.#errors.push(...wrong.map((one) => ({ ...one, params: { ...one.params, field: given.definition.field } })));
    const name = isOneOfSeveral ? given.definition.field : field;
    const isKept = (this.#policies[name] ?? this.#policies[field]) === 'never';
    if (!isKept) this.#policies = { ...this.#policies, [name]: 'if-empty' };
  }

  done(): RowReading {
    for (const { column, field } of this.mapping.columns) {
      const path = field.startsWith('custom.') ? field : recordFieldOf(field);
      if (!this.#places.has(path)) this.#places.set(path, column);
    }
    const addresses = [...this.#addresses].map(([label, address]) => ({ ...address, ...(label !== '' && { label }) }));
    const row = { ...this.#row, ...(addresses.length > 0 && { addresses }) } as CustomerInput;
    return {
      row: withPhones(row, this.mapping),
      relations: this.#relations,
      companies: [],
      ...this.#beside,
      matchBy: this.mapping.matchBy,
      policies: this.#policies,
      errors: this.#errors,
      places: this.#places,
      formulas: this.#formulas,
    };
  }

  #part(name: string, value: string | number): void {
    const [field = '', part = ''] = name.split('.');
    this.#row[field] = { ...(this.#row[field] as object | undefined), [part]: value };
  }

  #code(field: string, column: string, text: string): void {
    const value = text.normalize('NFKC');
    switch (field) {
      case 'id':
        if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return this.#wrong(column, 'wrong-type');
        this.#beside.id = value.toLowerCase();
        return;
      case 'version':
        if (!/^\d{1,9}(-\d{1,9})*$/.test(value)) return this.#wrong(column, 'wrong-type');
        this.#beside.version = value;
        return;
      case 'number':
        if (!/^[\p{L}\p{N}._/-]{1,50}$/u.test(value)) return this.#wrong(column, 'wrong-type');
        this.#beside.number = value;
        return;
      case 'externalId':
        if (value.length > 200) return this.#wrong(column, 'too-long');
        this.#beside.externalId = value;
        return;
      default:
        this.#row[field] = value.replace(/\s/g, '').toUpperCase();
    }
  }

  #date(kind: 'date' | 'instant', field: string, column: string, text: string, place: (path: string) => void): void {
    const { dateOrder: order, timeZone } = this.mapping;
    const zone = { ...(order && { order }), ...(timeZone !== undefined && { timeZone }) };
    const read = readDate(text, zone);
    if (read === undefined) {
      const isOpen = readDate(text, { ...zone, order: 'dmy' }) !== undefined;
      return this.#wrong(column, isOpen ? 'ambiguous-date' : 'impossible-date');
    }
    if (kind === 'date') {
      // A time of day beside it is none of its business.
      const date = read.length === 10 ? read : readDate(text.trim().split(/[T\s]/i)[0] as string, zone);
      if (date === undefined) return this.#wrong(column, 'impossible-date');
      this.#row[field] = date;
      return place(field);
    }
    // The first second of a day, so that it is a time; then its beginning.
    const instant = read.length === 10 ? readDate(`${read} 00:00:01`, zone) : read;
    this.#beside.createdAt = new Date(Date.parse(instant ?? read) - (read.length === 10 ? 1_000 : 0)).toISOString();
    place(field);
  }

  #address(field: string, label: string, text: string): void {
    const before: Record<string, unknown> = this.#addresses.get(label) ?? {};
    const part = field.slice('address.'.length);
    if (part !== '') {
      before[part] = text;
      this.#addresses.set(label, before);
      return;
    }
    // Columns of their own say more surely what the divisions are.
    const { province, city, district, rest, regionCode } = parseAddress(text);
    const parsed = { province, city, district, street: rest, regionCode };
    const found = Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== null && value !== ''));
    this.#addresses.set(label, { ...found, ...before });
  }

  #wrong(column: string, code: string, params?: Readonly<Record<string, unknown>>): undefined {
    this.#errors.push({ column: column === '' ? null : column, code, ...(params && { params }) });
    return undefined;
  }
}

/** Nobody's name is longer. */
const longestName = 500;

const relationOf = (field: RelationField, column: MappedColumn | undefined, value: string): Relation => ({
  field,
  column: column?.column ?? null,
  value,
  ...(column?.findBy && { findBy: column.findBy }),
  whenMissing: column?.whenMissing ?? 'fail',
});

/** As entered; in their normal form where the file says of which country those are whose row names none. */
function withPhones(row: CustomerInput, { country }: Pick<ImportMapping, 'country'>): CustomerInput {
  if (!row.phones || country === undefined || namesCountry(row.addresses)) return row;
  const countries = phoneCountries(row.addresses, country);
  const phones = row.phones.map((phone) => ({ ...phone, value: phoneOf(phone.value, countries).e164 ?? phone.value }));
  return { ...row, phones };
}

/** What a row is found by, in comparable form; none where it has no such value. */
export function matchValues(
  reading: RowReading,
  { matchBy, country }: Pick<ImportMapping, 'matchBy' | 'country'>,
): string[] {
  const { row, id, number, externalId } = reading;
  const given = (value: string | null | undefined) => (value ? [value] : []);
  switch (matchBy) {
    case 'none':
      return [];
    case 'id':
      return given(id);
    case 'number':
      return given(number);
    case 'externalId':
      return given(externalId);
    case 'registrationNumber':
      return registrationKeys(row);
    case 'email':
      return emailKeys(row);
    case 'phone': {
      const countries = phoneCountries(row.addresses, country);
      return [...new Set((row.phones ?? []).flatMap(({ value }) => phoneOf(value, countries).e164 ?? []))];
    }
  }
}

/** The column that an error's path leads to: `phones.1.value` to that of the second phone. */
export function columnOf(path: string, { places }: Pick<RowReading, 'places'>): string | null {
  const parts = path.split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const column = places.get(parts.slice(0, length).join('.'));
    if (column !== undefined) return column;
  }
  return null;
}
