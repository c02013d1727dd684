import type { EventStore, Stored, StoreFeed } from '@throughline/event-sourcing';
import { Away } from './kafka-client.ts';

/** A part of the owner's log, ciphertext still ciphertext. */
export type HistoryPage = {
  /** Of the store as it is now. */
  generation: string;
  /** Position of its newest event. */
  head: number;
  /** Ascending, none missing in between; none at all only where there is nothing (yet). */
  events: readonly Stored[];
};

/** Reads an owner's log by position, whatever Kafka still has of it. */
export interface History {
  /** At most `limit` events above `after`, up to and with `upTo`. */
  read(after: number, upTo: number, limit: number): Promise<HistoryPage>;
}

/** Largest page that is given out. */
export const historyLimit = 1_000;

/** What `GET /internal/history?after=&limit=` answers. Never reads past a position that may still come. */
export async function historyPage(
  store: EventStore,
  feed: StoreFeed,
  after: number,
  limit: number,
): Promise<HistoryPage> {
  const generation = await store.generation();
  const events = await feed.next(after, Math.min(limit, historyLimit));
  return { generation, head: await feed.head(), events };
}

/** For readers in the owner's process. */
export const storeHistory = (store: EventStore, feed: StoreFeed): History => ({
  read: async (after, upTo, limit) => cut(await historyPage(store, feed, after, count(after, upTo, limit)), upTo),
});

const answerMilliseconds = 10_000;

/**
 * For readers elsewhere: asks the owner's service. One attempt a call.
 *
 * @param baseUrl the owner's, for example `http://sales:3000`
 * @param token a service token, asked for on every call
 */
export const httpHistory = (baseUrl: string, token: () => Promise<string>): History => ({
  read: async (after, upTo, limit) => {
    const url = new URL('internal/history', baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
    url.searchParams.set('after', String(after));
    url.searchParams.set('limit', String(count(after, upTo, limit)));
    let answer: string;
    try {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${await token()}`, accept: 'application/json' },
        signal: AbortSignal.timeout(answerMilliseconds),
      });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      answer = await response.text();
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      throw new Away(`could not read history at ${url.origin}: ${cause?.message ?? message}`, { cause: error });
    }
    const { generation, head, events } = parse(answer);
    if (typeof generation !== 'string' || typeof head !== 'number' || !Array.isArray(events)) {
      throw new Away(`could not read history at ${url.origin}: the answer is no page`);
    }
    return cut({ generation, head, events }, upTo);
  },
});

/** Keeps to itself what the parser says, because that quotes its input. */
function parse(answer: string): Partial<HistoryPage> {
  try {
    return (JSON.parse(answer) ?? {}) as Partial<HistoryPage>;
  } catch {
    return {};
  }
}

const count = (after: number, upTo: number, limit: number): number => Math.max(1, Math.min(limit, upTo - after));

const cut = (page: HistoryPage, upTo: number): HistoryPage => ({
  ...page,
  events: page.events.filter(({ position }) => position <= upTo),
});
