import { blockingKeys } from './blocking-keys.ts';
import type { Comparison } from './comparison.ts';
import { comparisonsOf, otherFields } from './comparisons.ts';
import type { MatchKind, MatchRecord } from './match-record.ts';

/** One field of all records: each different value once, and which record has which. */
export interface Column {
  comparison: Comparison;
  values: readonly unknown[];
  /** The values of record `i` are `ids[starts[i]]` to `ids[starts[i + 1] - 1]`. */
  starts: Uint32Array;
  ids: Uint32Array;
  terms: readonly string[];
}

/** The records of one kind in a form that 100,000 of them fit in: records are numbers, in the order of their names. */
export interface Population {
  kind: MatchKind;
  ids: readonly string[];
  columns: readonly Column[];
  keys: PackedKeys;
}

/** Keys as hashes beside their records, each class in order: `hash * recordLimit + record`. */
export interface PackedKeys {
  identities: Float64Array;
  blocks: Float64Array;
  joint: Float64Array;
  /** A row of hashes a record, 0 for what it has not. */
  facets: Uint32Array;
  facetCount: number;
}

/** A hash of 32 bits and a record fill the 53 bits of a number. */
export const recordLimit = 2 ** 21;

/**
 * The populations of persons and of companies. The same records make the same populations in any order.
 * @throws RangeError at an id that is there twice, and at more than 2,097,152 records of a kind
 */
export function populationsOf(records: Iterable<MatchRecord>): Population[] {
  const byKind: Record<MatchKind, MatchRecord[]> = { person: [], company: [] };
  const ids = new Set<string>();
  for (const record of records) {
    if (ids.has(record.id)) throw new RangeError(`two records have the id ${record.id}`);
    ids.add(record.id);
    byKind[record.kind].push(record);
  }
  return (['person', 'company'] as const)
    .filter((kind) => byKind[kind].length > 0)
    .map((kind) => populationOf(kind, byKind[kind]));
}

function populationOf(kind: MatchKind, unordered: readonly MatchRecord[]): Population {
  if (unordered.length > recordLimit) throw new RangeError(`more than ${recordLimit} records of one kind`);
  const records = unordered
    .map((record) => [orderOf(record), record] as const)
    .toSorted(([a, { id: one }], [b, { id: other }]) => (a < b || (a === b && one < other) ? -1 : 1))
    .map(([, record]) => record);
  return {
    kind,
    ids: records.map(({ id }) => id),
    columns: comparisonsOf(kind, otherFields(records)).map((comparison) => columnOf(comparison, records)),
    keys: packedKeys(records),
  };
}

/** Neighbours in this order are alike: what is left of a block that nothing splits is compared within a window. */
function orderOf({ names, companies, birthDates, places }: MatchRecord): string {
  const [name] = names;
  const called = name ? [name.family?.sounds[0] ?? '', name.given?.sounds[0] ?? ''] : [companies[0]?.core ?? ''];
  return [...called, birthDates[0] ?? '', places[0]?.postcode ?? ''].join('\0');
}

function columnOf(comparison: Comparison, records: readonly MatchRecord[]): Column {
  const known = new Map<string, number>();
  const values: unknown[] = [];
  const ids: number[] = [];
  const starts = new Uint32Array(records.length + 1);
  records.forEach((record, i) => {
    for (const value of comparison.values(record)) {
      const key = comparison.key(value);
      let id = known.get(key);
      if (id === undefined) {
        id = values.push(value) - 1;
        known.set(key, id);
      }
      ids.push(id);
    }
    starts[i + 1] = ids.length;
  });
  return {
    comparison,
    values,
    starts,
    ids: Uint32Array.from(ids),
    terms: values.map((value) => comparison.term(value)),
  };
}

function packedKeys(records: readonly MatchRecord[]): PackedKeys {
  const packed = { identities: [] as number[], blocks: [] as number[], joint: [] as number[] };
  const facets: number[] = [];
  records.forEach((record, i) => {
    const keys = blockingKeys(record);
    for (const name of ['identities', 'blocks', 'joint'] as const) {
      for (const key of keys[name]) packed[name].push(hashOf(key) * recordLimit + i);
    }
    for (const facet of keys.facets) facets.push(facet === '' ? 0 : hashOf(facet));
  });
  return {
    identities: Float64Array.from(packed.identities).sort(),
    blocks: Float64Array.from(packed.blocks).sort(),
    joint: Float64Array.from(packed.joint).sort(),
    facets: Uint32Array.from(facets),
    facetCount: facets.length / records.length,
  };
}

/** FNV-1a with the last steps of MurmurHash3. Two keys of one hash only make a block larger. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
