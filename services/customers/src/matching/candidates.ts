import { blockingKeys, finerKeys } from './blocking-keys.ts';
import { blockLimits } from './blocks.ts';
import type { MatchRecord } from './match-record.ts';
import type { MatchModel } from './model.ts';
import { scoreFrom, thresholds, type Score } from './score.ts';

/** Records that have all of the keys. */
export interface MatchQuery {
  keys: readonly string[];
  limit: number;
  /** Of more than the limit any of them will do; else they are not wanted. */
  some?: true;
  /** How much a record shares that has the keys. */
  worth: number;
}

/** What shares so much with a record, over all of the queries. */
export interface MatchLookup {
  queries: readonly MatchQuery[];
  least: number;
}

/** Gives records by the keys that they were stored with ({@link indexKeys}). */
export interface MatchIndex {
  /** Ids of the records, and the queries that are `crowded`: more than their limit have the keys, and none of them counts. */
  find(lookup: MatchLookup): Promise<{ ids: readonly string[]; crowded: readonly MatchQuery[] }>;
  records(ids: readonly string[]): Promise<readonly MatchRecord[]>;
}

export interface Candidate extends Score {
  record: MatchRecord;
}

/** What an index stores of a record. */
export function indexKeys(record: MatchRecord): string[] {
  const { identities, blocks, joint, facets } = blockingKeys(record);
  return [...identities, ...blocks, ...finerKeys(record), ...joint, ...facets.filter(Boolean)];
}

/** Records that share one block and nothing else are many, and none of them is likely enough to be asked about. */
const leastShared = 2;

/**
 * The records that one may be a duplicate of, the strongest first: those that share a value, a name or two other blocking
 * keys with it, and reach the threshold; where that is lower than what is asked about, one key will do. A value that too many
 * have is joined with each of the record's facets. Blocks that are too large are left to the finer ones, but for those of its
 * name: some who bear it are looked at in any case. The record itself is left out.
 */
export async function findCandidates(
  record: MatchRecord,
  index: MatchIndex,
  model: MatchModel,
  { threshold = thresholds.review as number, limits = blockLimits } = {},
): Promise<Candidate[]> {
  const { identities, blocks, names, joint, facets } = blockingKeys(record);
  const least = threshold < thresholds.review ? 1 : leastShared;
  const known = facets.filter(Boolean);
  const joined = (keys: readonly string[]): MatchQuery[] =>
    keys.flatMap((key) => known.map((facet) => ({ keys: [key, facet], limit: limits.shared, worth: leastShared })));
  const similar = [...blocks.filter((key) => !names.includes(key)), ...finerKeys(record)];
  const first = await index.find({
    queries: [
      ...identities.map((key) => ({ keys: [key], limit: limits.shared, worth: leastShared })),
      ...names.map((key) => ({ keys: [key], limit: limits.block, some: true as const, worth: leastShared })),
      ...similar.map((key) => ({ keys: [key], limit: limits.block, worth: 1 })),
      ...joined(joint),
    ],
    least,
  });
  const large = new Set(first.crowded.flatMap(({ keys }) => keys));
  const queries = joined(identities.filter((key) => large.has(key)));
  const second = queries.length > 0 ? await index.find({ queries, least }) : { ids: [] };
  const ids = new Set([...first.ids, ...second.ids]);
  ids.delete(record.id);

  const others = await index.records([...ids]);
  return others
    .flatMap((other) => {
      const score = scoreFrom(threshold, model, record, other);
      return score ? [{ record: other, ...score }] : [];
    })
    .toSorted((a, b) => b.weight - a.weight || (a.record.id < b.record.id ? -1 : 1));
}
