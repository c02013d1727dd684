import type { QueryPlan } from '@throughline/language';
import type { Condition } from './condition.ts';
import type { SearchIndex } from './search-index.ts';

/** A document as of a revision, or, without one, that there is none any more. */
export type Change<Doc = { id: string }> = { id: string; rev: number; doc: Doc | undefined };

/** A key to sort by; records without it come last in either direction. */
export type Sort = { field: string; descending: boolean };

/** Where a page ended: the values of the sort keys (null = none) or the score, then the id. */
export type Place = readonly (string | number | null)[];

export type EngineQuery = {
  /** Left out, or empty: every record, with score 0. */
  plan?: QueryPlan | undefined;
  /** The caller's filter and scope. */
  condition: Condition;
  /** Then by id. Without any: by score, best first, then by id. */
  sort: readonly Sort[];
  after?: Place | undefined;
  limit: number;
  facets: readonly string[];
};

export type Hit = { id: string; score: number; doc: Record<string, unknown> & { id: string } };

/** A value of a facet, and in how many records it stands. */
export type Counted = { value: string; count: number };

export type EngineAnswer = {
  hits: readonly Hit[];
  /** Where to go on; undefined where this was the last page. */
  next: Place | undefined;
  /** Exact up to `mostCounted`. Of the whole query, whatever the page. */
  total: { value: number; exact: boolean };
  /** The commonest values first, then by value; at most `mostFacetValues`. */
  facets: Readonly<Record<string, readonly Counted[]>>;
};

export const mostCounted = 10_000;
export const mostFacetValues = 100;
/** Ids that are read from an engine at once. */
export const idsAtOnce = 5_000;

/** The engine cannot be reached or is not itself: it goes away by itself. */
export class EngineUnavailable extends Error {}

/**
 * A search engine. Every adapter gives the same ids in the same order for the same documents and query: sums of constant
 * scores, keys compared by code point, then the id.
 *
 * Documents are written to the index of this release's analysis and fields; queries ask the published one, which may be
 * the one before until `publish`.
 */
export abstract class SearchEngine {
  /** Makes the index of this release where it is missing; `published` says whether it was built and is the one asked. */
  abstract ensure(index: SearchIndex<never>): Promise<{ published: boolean }>;
  /** Writes whole documents; a revision below the one that is there changes nothing. */
  abstract bulk(index: SearchIndex<never>, changes: readonly Change[]): Promise<void>;
  /** Queries ask this release's index from now on; the one before goes. */
  abstract publish(index: SearchIndex<never>): Promise<void>;
  abstract query(index: SearchIndex<never>, query: EngineQuery): Promise<EngineAnswer>;
  /** All ids that a query finds, as of one moment, in pages; in the order of the ids. */
  abstract ids(
    index: SearchIndex<never>,
    query: Pick<EngineQuery, 'plan' | 'condition'>,
  ): AsyncIterable<readonly string[]>;
  /** What was written is found from now on. */
  abstract refresh(): Promise<void>;
  /** What was overwritten or deleted is gone from the engine's files as well. */
  abstract purge(): Promise<void>;
  /** Documents of this release's index. */
  abstract count(index: SearchIndex<never>): Promise<number>;
  abstract drop(index: SearchIndex<never>): Promise<void>;
  async close(): Promise<void> {}
}
