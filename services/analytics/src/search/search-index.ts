import {
  ANALYSIS_VERSION,
  analyse,
  foldText,
  nameSortKey,
  type SearchFields,
  type SearchTokens,
} from '@throughline/language';
import { folded, openKey, sorted, type Keys } from './condition.ts';

/**
 * - `text`: what people write, sorted by pinyin and without regard to case and accents
 * - `keyword`: ids, codes and choices, sorted as they stand
 * - `money`: `{ amount, currency }`, compared by amount
 * - `tags`: several values
 */
export type FieldType = 'text' | 'keyword' | 'number' | 'money' | 'date' | 'instant' | 'boolean' | 'tags';

export type Field<Doc> = {
  type: FieldType;
  /** The key that it goes by; that of its own name unless given. */
  at?: string;
  /** What a value is called now, where callers may know it by another name. */
  now?: (value: string) => string;
  /** Where the value is; the document's property of the same name unless given. */
  from?: (doc: Doc) => unknown;
  /** Names records of customers: asked for by any of a customer's, those of all of them are meant. */
  customer?: true;
  facet?: true;
  /** Asked for often, in this order: Postgres keeps a b-tree. */
  often?: 'asc' | 'desc';
};
export type Fields<Doc = never> = Readonly<Record<string, Field<Doc>>>;

/** A kind of record as an engine keeps it. */
export type SearchIndex<Doc extends { id: string } = { id: string }> = {
  /** As in the URL: `customers`. */
  type: string;
  /** Raised when `search` gives other texts, or a field's `from` another value. */
  version: number;
  fields: Fields<Doc>;
  /** Values by names that no release knows: kept under open keys, whatever they are. */
  open?: (doc: Doc) => Readonly<Record<string, unknown>> | undefined;
  search: (doc: Doc) => SearchFields;
  /** ISO 3166 alpha-2, for phone numbers without a country code. */
  country?: (doc: Doc) => string | undefined;
};

/** The fields whose values are sorted by a key of their own. */
export const sortKeyOf = (type: FieldType, name: string): string => (type === 'text' ? sorted(name) : name);
export const isSortable = ({ type }: { type: FieldType }): boolean => type !== 'tags';
export const hasText = (type: FieldType): boolean => type === 'text' || type === 'keyword' || type === 'tags';

/** Names the keys that a document may have, and whether there may be several values. */
export function keyNames(fields: Fields): { name: string; many: boolean }[] {
  return Object.entries(fields).flatMap(([name, { type }]) => {
    const many = type === 'tags';
    return [
      { name, many },
      ...(hasText(type) ? [{ name: folded(name), many }] : []),
      ...(type === 'text' ? [{ name: sorted(name), many }] : []),
    ];
  });
}

/** Changes whenever documents have to be indexed anew: the analysis, the fields, or what was declared. */
export function versionOf(index: SearchIndex<never>, salt = ''): string {
  const shape = Object.entries(index.fields as Fields).map(([name, { type, often }]) => [name, type, often ?? '']);
  return `v${ANALYSIS_VERSION}-${hash(JSON.stringify([index.version, shape, salt, ...(index.open ? ['open'] : [])]))}`;
}

/** What an engine stores of a document. */
export type Indexed = { doc: string; keys: Keys; terms: SearchTokens };

export function indexed<Doc extends { id: string }>(index: SearchIndex<Doc>, given: Doc): Indexed {
  let doc = given;
  let text = JSON.stringify(doc);
  if (unstorable.test(text)) {
    doc = storable(doc) as Doc;
    text = JSON.stringify(doc);
  }
  return {
    doc: text,
    keys: keysOfDocument(index, doc),
    terms: analyse(index.search(doc), { country: index.country?.(doc) }),
  };
}

/** Half a character and NUL, as JSON writes them: no database takes those in a text. */
const unstorable = /\\u(?:d[89a-f][0-9a-f]{2}|0000)/i;

function storable(value: unknown): unknown {
  if (typeof value === 'string') return tidy(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [tidy(key), storable(inner)]));
}

const tidy = (text: string) => text.toWellFormed().replaceAll('\u0000', '');

const longestKey = 1_000;
const longestSortKey = 200;
const cut = (text: string, length: number) => {
  const head = text.slice(0, length);
  return head.isWellFormed() ? head : head.slice(0, -1);
};

/** What filters, facets and sorting go by: every value as text that orders by code point. */
export function keysOf<Doc>(fields: Fields<Doc>, doc: Doc): Keys {
  const keys: Record<string, string | readonly string[]> = {};
  for (const [name, { type, from }] of Object.entries(fields)) {
    const value = from ? from(doc) : (doc as Record<string, unknown>)[name];
    if (value === undefined || value === null) continue;
    addKeys(keys, name, type, value);
  }
  return keys;
}

/** All keys of a document, those of fields that no release knows among them. */
export const keysOfDocument = <Doc extends { id: string }>(index: SearchIndex<Doc>, doc: Doc): Keys => ({
  ...keysOf(index.fields, doc),
  ...openKeysOf(index.open?.(doc)),
});

const openName = /^[a-z][a-z0-9_]{0,49}$/;

/** Keys of values that nobody declared, by what they are: a field that is defined later finds those that are there. */
function openKeysOf(values: Readonly<Record<string, unknown>> = {}): Keys {
  const keys: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!openName.test(name)) continue;
    const [text, number] = [openKey('open', name), openKey('open_number', name)];
    if (typeof value === 'string') addKeys(keys, text, 'text', value);
    else if (typeof value === 'number') addKeys(keys, number, 'number', value);
    else if (typeof value === 'boolean') addKeys(keys, text, 'boolean', value);
    else if (Array.isArray(value)) addKeys(keys, text, 'tags', value);
    else if (typeof value === 'object' && value !== null && 'amount' in value && 'currency' in value) {
      addKeys(keys, number, 'money', value);
      addKeys(keys, text, 'keyword', value.currency);
    }
  }
  return keys;
}

function addKeys(
  keys: Record<string, string | readonly string[]>,
  name: string,
  type: FieldType,
  value: unknown,
): void {
  if (type === 'tags') {
    const values = [...new Set((value as unknown[]).map((one) => keyOf('tags', one)))].filter(
      (one) => one !== undefined,
    );
    const texts = [...new Set(values.map(foldedKey))].filter((text) => text !== '');
    if (values.length > 0) keys[name] = values;
    if (texts.length > 0) keys[folded(name)] = texts;
    return;
  }
  const key = keyOf(type, value);
  if (key === undefined) return;
  keys[name] = key;
  const text = hasText(type) ? foldedKey(key) : '';
  if (text !== '') keys[folded(name)] = text;
  const order = type === 'text' ? sortKey(cut(key, longestSortKey)) || text : '';
  if (order !== '') keys[sorted(name)] = order;
}

const sortKeys = new Map<string, string>();

/** Remembered: cities, industries and titles come again and again, and their pinyin takes long. */
function sortKey(text: string): string {
  let key = sortKeys.get(text);
  if (key === undefined) {
    if (sortKeys.size >= 5_000) sortKeys.clear();
    sortKeys.set(text, (key = cut(nameSortKey(text), longestSortKey)));
  }
  return key;
}

export const foldedKey = (text: string): string => cut(foldText(cut(tidy(text), longestKey)), longestKey);

/** One value as a key; undefined where it is empty or not of the type. */
export function keyOf(type: FieldType, value: unknown): string | undefined {
  switch (type) {
    case 'text':
    case 'keyword':
    case 'tags':
      return typeof value === 'string' ? cut(tidy(value), longestKey) || undefined : undefined;
    case 'number':
      return numberKey(String(value));
    case 'money':
      return numberKey(String((value as { amount?: unknown }).amount));
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
    case 'instant': {
      const time = Date.parse(String(value));
      return Number.isNaN(time) ? undefined : new Date(time).toISOString();
    }
  }
}

const wholeDigits = 20;
export const fractionDigits = 8;

/**
 * A decimal number as text that orders as the number does: a sign, 20 digits, 8 more. Negative ones are turned to their
 * nines' complement. No engine rounds it.
 */
export function numberKey(text: string): string | undefined {
  const [, sign, whole = '', fraction = ''] = /^([+-]?)0*(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (sign === undefined || whole.length > wholeDigits) return undefined;
  const digits = whole.padStart(wholeDigits, '0') + fraction.slice(0, fractionDigits).padEnd(fractionDigits, '0');
  if (sign !== '-' || /^0+$/.test(digits)) return `1${digits}`;
  return `0${digits.replace(/\d/g, (digit) => String(9 - Number(digit)))}`;
}

/** FNV-1a of 64 bits: tells definitions and queries apart, keeps no secret. */
export function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(16).padStart(16, '0').slice(0, 12);
}
