import { blockingKeys, finerKeys } from './blocking-keys.ts';
import { blockLimits } from './blocks.ts';
import type { MatchRecord } from './match-record.ts';
import type { MatchModel } from './model.ts';
import { scoreOf, thresholds, type Score } from './score.ts';

/** Records that have all of the keys. */
export interface MatchQuery {
  keys: readonly string[];
  limit: number;
  /** Of more than the limit any of them will do; else they are not wanted. */
  some?: true;
}

/** Gives records by the keys that they were stored with ({@link indexKeys}). */
export interface MatchIndex {
  /** Ids of the records that each query finds, in the order of the queries; `crowded` where more than its limit have the keys. */
  find(queries: readonly MatchQuery[]): Promise<readonly (readonly string[] | 'crowded')[]>;
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
  /** Record -> how much it shares. */
  const shared = new Map<string, number>();
  /** Asks all at once, counts what is found, and answers with the queries that are crowded. */
  const crowdedOf = async (queries: readonly MatchQuery[], worth: (query: MatchQuery) => number) => {
    const answers = await index.find(queries);
    return queries.filter((query, i) => {
      const answer = answers[i] ?? [];
      if (answer === 'crowded') return true;
      for (const id of answer) shared.set(id, (shared.get(id) ?? 0) + worth(query));
      return false;
    });
  };
  const known = facets.filter(Boolean);
  const joined = (keys: readonly string[]) =>
    keys.flatMap((key) => known.map((facet) => ({ keys: [key, facet], limit: limits.shared })));
  const similar = [...blocks.filter((key) => !names.includes(key)), ...finerKeys(record)].map((key) => ({
    keys: [key],
    limit: limits.block,
  }));
  const ofBlocks = new Set<MatchQuery>(similar);
  const crowded = await crowdedOf(
    [
      ...identities.map((key) => ({ keys: [key], limit: limits.shared })),
      ...names.map((key) => ({ keys: [key], limit: limits.block, some: true as const })),
      ...similar,
      ...joined(joint),
    ],
    (query) => (ofBlocks.has(query) ? 1 : leastShared),
  );
  const large = new Set(crowded.flatMap(({ keys }) => keys));
  const stillLarge = joined(identities.filter((key) => large.has(key)));
  if (stillLarge.length > 0) await crowdedOf(stillLarge, () => leastShared);

  shared.delete(record.id);
  const least = threshold < thresholds.review ? 1 : leastShared;
  const others = await index.records([...shared].flatMap(([id, count]) => (count >= least ? [id] : [])));
  return others
    .map((other) => ({ record: other, ...scoreOf(model, record, other) }))
    .filter(({ weight }) => weight >= threshold)
    .toSorted((a, b) => b.weight - a.weight || (a.record.id < b.record.id ? -1 : 1));
}
