import type { FieldError } from '@throughline/event-sourcing';
import { analyseQuery } from '@throughline/language';
import { allOf, everything, nothing, type Condition } from '../search/condition.ts';
import type { EngineQuery, Place, Sort } from '../search/search-engine.ts';
import type { RecordType } from '../search/record-type.ts';
import { hash, isSortable, type Field } from '../search/search-index.ts';
import { readFilter } from './filter.ts';

/** What a caller asks, as a URL or a body says it. */
export type ListRequest = {
  q?: unknown;
  filter?: unknown;
  sort?: unknown;
  limit?: unknown;
  cursor?: unknown;
  facets?: unknown;
  fields?: unknown;
};

export type ListQuery = {
  query: EngineQuery;
  /** The properties that are answered; undefined = all. */
  fields: readonly string[] | undefined;
  /** The key of each facet asked for, by the name that it was asked by. */
  facets: readonly (readonly [name: string, key: string])[];
  /** The cursor of the page that ended at a place. */
  cursorAt: (place: Place) => string;
};

/** What is wrong with a request: its shape (400) or its meaning (422), every field at once. */
export class ListErrors extends Error {
  constructor(
    readonly shape: readonly FieldError[],
    readonly meaning: readonly FieldError[],
  ) {
    super('invalid-query');
  }
}

export const mostItems = 200;
const usualItems = 50;
const longestWords = 500;
const mostNames = 50;
const mostFacets = 10;

/** What a page's cursor holds: the query that it belongs to, where it ended, and the moment its dates are relative to. */
type Cursor = { of: string; after: Place; now: string };

/**
 * Reads a request for a list.
 *
 * @param scope what the caller may see
 * @throws ListErrors with everything that is wrong
 */
export function readListQuery(
  type: RecordType,
  request: ListRequest,
  context: { now: Date; timeZone: string; scope: Condition },
): ListQuery {
  const shape: FieldError[] = [];
  const meaning: FieldError[] = [];
  const fields = type.fields as Readonly<Record<string, Field<never>>>;
  const isField = (name: string) => Object.hasOwn(fields, name);

  const q = request.q === undefined ? '' : request.q;
  if (typeof q !== 'string') shape.push({ path: 'q', code: 'wrong-type' });
  else if (q.length > longestWords) shape.push({ path: 'q', code: 'too-long' });
  const plan = typeof q === 'string' ? analyseQuery(q.slice(0, longestWords)) : undefined;
  const searches = plan !== undefined && !plan.empty;
  // An emoji or a dash holds no word: no record holds it as one.
  const isWordless = !searches && typeof q === 'string' && q.trim() !== '';

  const { limit: given = usualItems } = request;
  const limit = typeof given === 'number' || (typeof given === 'string' && /^\d+$/.test(given)) ? Number(given) : NaN;
  if (!Number.isInteger(limit)) shape.push({ path: 'limit', code: 'wrong-type' });
  else if (limit < 1 || limit > mostItems) shape.push({ path: 'limit', code: 'out-of-range' });

  const filter = jsonOf(request.filter, (code) => shape.push({ path: 'filter', code }));
  const sortNames = namesOf(request.sort, 'sort', shape);
  const facets = [...new Set(namesOf(request.facets, 'facets', shape) ?? [])];
  if (facets.length > mostFacets) shape.push({ path: 'facets', code: 'too-long' });
  const shown = namesOf(request.fields, 'fields', shape);

  const sort = (sortNames ?? (searches ? [] : [type.sort])).map((name): Sort => {
    const descending = name.startsWith('-');
    return { field: descending ? name.slice(1) : name, descending };
  });
  const keyOf = (name: string) => fields[name]?.at ?? name;
  const known = new Set<string>();
  for (const { field } of sort) {
    if (!isField(field)) meaning.push({ path: `sort.${field}`, code: 'unknown-field' });
    else if (!isSortable(fields[field] as Field<never>)) meaning.push({ path: `sort.${field}`, code: 'not-sortable' });
    else if (known.has(field)) meaning.push({ path: `sort.${field}`, code: 'repeated' });
    known.add(field);
  }
  for (const name of facets) {
    if (!isField(name)) meaning.push({ path: `facets.${name}`, code: 'unknown-field' });
    else if (!fields[name]?.facet) meaning.push({ path: `facets.${name}`, code: 'no-facets' });
  }
  for (const name of shown ?? []) {
    if (!isField(name) && !type.beside.includes(name) && name !== customerName) {
      meaning.push({ path: `fields.${name}`, code: 'unknown-field' });
    }
  }

  const of = hash(JSON.stringify([type.type, q, filter ?? null, sort]));
  const cursor = cursorOf(request.cursor, of, sort, (code) => shape.push({ path: 'cursor', code }));
  const now = cursor ? new Date(cursor.now) : context.now;
  const read = readFilter(filter, type.fields, { now, timeZone: context.timeZone });
  meaning.push(...read.errors);
  if (shape.length > 0 || meaning.length > 0) throw new ListErrors(shape, meaning);

  // What was put away is shown to those who ask for it.
  const current: Condition =
    isField('archived') && !read.fields.has('archived')
      ? { is: 'oneOf', field: 'archived', values: ['false'] }
      : everything;
  return {
    query: {
      plan: searches ? plan : undefined,
      condition: allOf(context.scope, current, read.condition, ...(isWordless ? [nothing] : [])),
      sort: sort.map(({ field, descending }) => ({ field: keyOf(field), descending })),
      after: cursor?.after,
      limit,
      facets: facets.map(keyOf),
    },
    fields: shown,
    facets: facets.map((name) => [name, keyOf(name)]),
    cursorAt: (after) => encode({ of, after, now: now.toISOString() }),
  };
}

/** Looked up for the answer, in lists of records that belong to a customer. */
export const customerName = 'customerName';

/** A URL carries JSON as text, a body as it is. */
function jsonOf(value: unknown, wrong: (code: string) => void): unknown {
  if (value === undefined || value === '') return undefined;
  let read = value;
  if (typeof value === 'string') {
    try {
      read = JSON.parse(value);
    } catch {
      wrong('wrong-type');
      return undefined;
    }
  }
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read;
  wrong('wrong-type');
  return undefined;
}

/** `a,b`, or a list of names. */
function namesOf(value: unknown, path: string, errors: FieldError[]): readonly string[] | undefined {
  if (value === undefined || value === '') return undefined;
  const names = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    errors.push({ path, code: 'wrong-type' });
    return undefined;
  }
  if (names.length > mostNames) errors.push({ path, code: 'too-long' });
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

const encode = (cursor: Cursor): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(cursor))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

function cursorOf(
  given: unknown,
  of: string,
  sort: readonly Sort[],
  wrong: (code: string) => void,
): Cursor | undefined {
  if (given === undefined || given === '') return undefined;
  try {
    const bytes = atob((given as string).replaceAll('-', '+').replaceAll('_', '/'));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    const cursor = JSON.parse(text) as Cursor;
    if (fits(cursor, sort) && cursor.of === of) return cursor;
  } catch {
    // Not one of ours.
  }
  wrong('wrong-cursor');
  return undefined;
}

function fits({ after, now }: Cursor, sort: readonly Sort[]): boolean {
  if (!Array.isArray(after) || Number.isNaN(Date.parse(now)) || typeof after.at(-1) !== 'string') return false;
  const isText = (value: unknown) => typeof value === 'string' && value.isWellFormed() && !value.includes('\u0000');
  if (sort.length === 0) return after.length === 2 && Math.abs(after[0]) < 1e6 && isText(after[1]);
  return after.length === sort.length + 1 && after.every((value) => value === null || isText(value));
}
