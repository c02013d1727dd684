import type { QueryPlan, TermGroup } from './search-query.ts';
import type { SearchTokens } from './search-tokens.ts';

/**
 * Says what every engine has to say about a record: whether it matches, and its score. The definition of the search, for the
 * engines' contract suite; it reads all tokens, an engine has an index.
 */
export function matches(tokens: SearchTokens, plan: QueryPlan): { matched: boolean; score: number } {
  const stored = new Set(tokens);
  const meets = ({ prefix, anyOf }: TermGroup) =>
    anyOf.some((term) => stored.has(term) || (prefix && tokens.some((token) => token.startsWith(term))));

  let score = 0;
  for (const { required, alternatives } of plan.clauses) {
    const worth = alternatives.filter(({ allOf }) => allOf.every(meets)).map((alternative) => alternative.score);
    if (required && worth.length === 0) return { matched: false, score: 0 };
    score += Math.max(0, ...worth);
  }
  return { matched: true, score };
}
