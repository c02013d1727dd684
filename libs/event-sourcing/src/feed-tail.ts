import type { Stored } from './codec.ts';

const mostEvents = 2_000;
/** Characters of JSON; most of them are one byte. */
const mostText = 8_000_000;

const textOf = ({ data, personal, meta }: Stored): number => data.length + (personal?.length ?? 0) + meta.length;

/**
 * The last part of a log that anybody read up to its end: whoever stands within it need not ask the store again. What it
 * holds is settled: between its events no position will ever be filled.
 */
export class FeedTail {
  #events: Stored[] = [];
  #text = 0;
  #from = 0;
  #to = -1;

  /** The position that it reaches; negative where nothing has been read yet. */
  get to(): number {
    return this.#to;
  }

  /** The events above a position; undefined where it does not know all of them, or none yet. */
  above(position: number, limit: number): readonly Stored[] | undefined {
    if (position < this.#from || position >= this.#to) return undefined;
    const start = firstAbove(this.#events, position);
    return this.#events.slice(start, start + limit);
  }

  /** Takes up what was read above a position: the log to its end as it was then, or what follows on this. */
  take(position: number, events: readonly Stored[]): void {
    const to = events.at(-1)?.position ?? position;
    if (to <= this.#to) return;
    const isNext = position <= this.#to && position >= this.#from;
    if (!isNext) {
      this.forget();
      this.#from = position;
    }
    const fresh = events.slice(firstAbove(events, this.#to));
    this.#events.push(...fresh);
    for (const event of fresh) this.#text += textOf(event);
    this.#to = to;
    this.#trim();
  }

  forget(): void {
    this.#events = [];
    this.#text = 0;
    this.#to = -1;
  }

  #trim(): void {
    let dropped = 0;
    while (this.#events.length - dropped > mostEvents || this.#text > mostText) {
      this.#text -= textOf(this.#events[dropped++] as Stored);
    }
    if (dropped === 0) return;
    this.#from = (this.#events[dropped - 1] as Stored).position;
    this.#events.splice(0, dropped);
  }
}

/** Index of the first event above a position, by halving. */
function firstAbove(events: readonly Stored[], position: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle] as Stored).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
