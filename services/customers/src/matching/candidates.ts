import { blockingKeys } from './blocking-keys.ts';
import { blockLimits } from './blocks.ts';
import type { MatchRecord } from './match-record.ts';
import type { MatchModel } from './model.ts';
import { scoreOf, thresholds, type Score } from './score.ts';

/** Records that have all of the keys, at most `limit` of them. */
export interface MatchQuery {
  keys: readonly string[];
  limit: number;
}

/** Gives records by the keys that they were stored with ({@link indexKeys}). */
export interface MatchIndex {
  /** What each query finds, in the order of the queries; of more than its limit any of them. */
  find(queries: readonly MatchQuery[]): Promise<readonly (readonly MatchRecord[])[]>;
}

export interface Candidate extends Score {
  record: MatchRecord;
}

export interface Candidates {
  /** The strongest first. */
  found: readonly Candidate[];
  /** Keys of similar records that more have than were looked at, even joined with what else is known. */
  crowded: readonly string[];
}

/** What an index stores of a record. */
export function indexKeys(record: MatchRecord): string[] {
  const { identities, blocks, joint, facets } = blockingKeys(record);
  return [...identities, ...blocks, ...joint, ...facets.filter(Boolean)];
}

/**
 * The records that one may be a duplicate of: those that share a blocking key and reach the threshold. A key on too many
 * records is joined with each of the record's facets, as a scan does; the record itself is left out.
 */
export async function findCandidates(
  record: MatchRecord,
  index: MatchIndex,
  model: MatchModel,
  { threshold = thresholds.review as number, limits = blockLimits } = {},
): Promise<Candidates> {
  const { identities, blocks, joint, facets } = blockingKeys(record);
  const found = new Map<string, MatchRecord>();
  /** Asks all at once, keeps what is found, and returns the queries that more records answer than are wanted. */
  const crowdedOf = async (queries: readonly MatchQuery[], isKept: boolean): Promise<MatchQuery[]> => {
    const answers = await index.find(queries.map(({ keys, limit }) => ({ keys, limit: limit + 1 })));
    return queries.filter(({ limit }, i) => {
      const isCrowded = answers[i]!.length > limit;
      if (isKept || !isCrowded) for (const each of answers[i]!.slice(0, limit)) found.set(each.id, each);
      return isCrowded;
    });
  };
  const alone = [
    ...identities.map((key) => ({ keys: [key], limit: limits.shared })),
    ...blocks.map((key) => ({ keys: [key], limit: limits.block })),
  ];
  const large = new Set((await crowdedOf(alone, false)).flatMap(({ keys }) => keys));
  const joined = (keys: readonly string[], limit: number) =>
    keys.flatMap((key) => facets.filter(Boolean).map((facet) => ({ keys: [key, facet], limit })));
  const shared = [...identities.filter((key) => large.has(key)), ...joint];
  const similar = blocks.filter((key) => large.has(key));
  await crowdedOf(joined(shared, limits.shared), false);
  const still = await crowdedOf(joined(similar, limits.block), true);
  const crowded = [...new Set(still.map(({ keys }) => keys[0]!))];

  found.delete(record.id);
  const scored = [...found.values()]
    .map((other) => ({ record: other, ...scoreOf(model, record, other) }))
    .filter(({ weight }) => weight >= threshold)
    .toSorted((a, b) => b.weight - a.weight || (a.record.id < b.record.id ? -1 : 1));
  return { found: scored, crowded };
}
