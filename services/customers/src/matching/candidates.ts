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
  /** What each query finds, in the order of the queries; `crowded` where more than its limit have the keys. */
  find(queries: readonly MatchQuery[]): Promise<readonly (readonly MatchRecord[] | 'crowded')[]>;
}

export interface Candidate extends Score {
  record: MatchRecord;
}

/** What an index stores of a record. */
export function indexKeys(record: MatchRecord): string[] {
  const { identities, blocks, joint, facets } = blockingKeys(record);
  return [...identities, ...blocks, ...finerKeys(record), ...joint, ...facets.filter(Boolean)];
}

/**
 * The records that one may be a duplicate of, the strongest first: those that share a blocking key and reach the threshold.
 * A value that too many have is joined with each of the record's facets. Blocks that are too large are left to the finer
 * ones, but for those of its name: some who bear it are looked at in any case. The record itself is left out.
 */
export async function findCandidates(
  record: MatchRecord,
  index: MatchIndex,
  model: MatchModel,
  { threshold = thresholds.review as number, limits = blockLimits } = {},
): Promise<Candidate[]> {
  const { identities, blocks, names, joint, facets } = blockingKeys(record);
  const found = new Map<string, MatchRecord>();
  /** Asks all at once, keeps what is found, and answers with the queries that are crowded. */
  const crowdedOf = async (queries: readonly MatchQuery[]): Promise<MatchQuery[]> => {
    const answers = await index.find(queries);
    for (const answer of answers) if (answer !== 'crowded') for (const each of answer) found.set(each.id, each);
    return queries.filter((_, i) => answers[i] === 'crowded');
  };
  const known = facets.filter(Boolean);
  const joined = (keys: readonly string[]) =>
    keys.flatMap((key) => known.map((facet) => ({ keys: [key, facet], limit: limits.shared })));
  const crowded = await crowdedOf([
    ...identities.map((key) => ({ keys: [key], limit: limits.shared })),
    ...names.map((key) => ({ keys: [key], limit: limits.block, some: true as const })),
    ...[...blocks.filter((key) => !names.includes(key)), ...finerKeys(record)].map((key) => ({
      keys: [key],
      limit: limits.block,
    })),
    ...joined(joint),
  ]);
  const large = new Set(crowded.flatMap(({ keys }) => keys));
  await crowdedOf(joined(identities.filter((key) => large.has(key))));

  found.delete(record.id);
  return [...found.values()]
    .map((other) => ({ record: other, ...scoreOf(model, record, other) }))
    .filter(({ weight }) => weight >= threshold)
    .toSorted((a, b) => b.weight - a.weight || (a.record.id < b.record.id ? -1 : 1));
}
