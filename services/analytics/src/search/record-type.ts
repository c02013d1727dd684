import type { DocumentView } from '@throughline/event-sourcing';
import type { SearchIndex } from './search-index.ts';

/** A kind of record that can be listed and searched. */
export type RecordType<Doc extends { id: string } = never> = SearchIndex<Doc> & {
  /** `(id, rev, doc)`, and the queue of what changed. */
  document: DocumentView;
  /** What is answered beside the fields: properties that nobody filters by. */
  beside: readonly string[];
  /** What is answered besides, by what day it is today. */
  derived?: (doc: Doc, today: string) => Record<string, unknown>;
  /** Where neither words nor an order are asked for. */
  sort: string;
  /** What a hit is called. */
  title: (doc: Doc) => string | undefined;
};

export const present = (...values: (string | null | undefined)[]): string[] =>
  values.filter((value): value is string => Boolean(value));
