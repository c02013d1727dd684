import type { Recorded } from '@throughline/contracts';
import type { Codec, Stored } from './codec.ts';
import { isTransient, transaction, type Pool, type Queryable } from './database.ts';
import type { Feed } from './feed.ts';
import { atOnce, carefully, foldEvents, type BrokenKeys } from './fold-events.ts';
import { viewBatch, type FoldTable } from './fold-table.ts';

/** Where a view, or what is built beside it, stands in its feed. */
export type Place = { position: number; generation: string | null };

/** One of the tables that are built. */
export type BuildingPart = {
  shadow: FoldTable;
  /** The keys it is about; undefined = all. */
  only: ReadonlySet<string> | undefined;
  /** Keys at which the fold throws. */
  broken: Map<string, { position: number; error: Error }>;
};

/** What a view is built into beside it, for one run of a job. */
export const shadowOf = (table: FoldTable, run: string): FoldTable => table.as(`${table.name}b${run.slice(0, 8)}`);

/** Also those that a killed process, or one that was deposed, left behind. */
export async function dropShadows(db: Queryable, tables: readonly string[]): Promise<void> {
  const { rows } = await db.query<{ shadow: string }>(
    `select relname as shadow from pg_class join unnest($1::text[]) as t(name) on relname ~ ('^' || name || 'b[0-9a-f]{8}$')
     where relkind = 'r' and relnamespace = current_schema()::regnamespace`,
    [tables],
  );
  if (rows.length > 0) await db.query(`drop table if exists ${rows.map(({ shadow }) => `"${shadow}"`).join(', ')}`);
}

/** Views of one feed that are folded anew from the first event on, beside the live ones: the feed is read once for all. */
export class Building {
  place: Place = { position: 0, generation: null };
  readonly #parts: Set<BuildingPart>;

  constructor(
    private readonly pool: Pool,
    private readonly codec: Codec,
    parts: Iterable<BuildingPart>,
    private readonly feed: Feed,
    private readonly progress: (place: { position: number; target: number }) => Promise<void>,
  ) {
    this.#parts = new Set(parts);
  }

  /** A part that is done is not folded any further. */
  leave(part: BuildingPart): void {
    this.#parts.delete(part);
  }

  /** Goes on until it stands where the live view does; in a log of another generation, until its end. */
  async to(live: Place & { head: number }, signal: AbortSignal): Promise<void> {
    const targetIn = (generation: string | null) =>
      live.generation === null || live.generation === generation ? live.position : live.head;
    if (live.head === 0 || (this.place.generation !== null && this.place.position >= targetIn(this.place.generation)))
      return;
    if (live.position === 0 || [...this.#parts].every(({ only }) => only?.size === 0)) return;
    const enough = new AbortController();
    const batches = this.feed.read(this.place.position, viewBatch, AbortSignal.any([signal, enough.signal]));
    for await (const { generation, events } of batches) {
      const target = targetIn(generation);
      const stored = events.filter(({ position }) => position > this.place.position && position <= target);
      const last = stored.at(-1);
      if (last) {
        await this.#fold(await this.codec.decode(stored.filter((event) => this.#handles(event))));
        this.place = { position: last.position, generation };
        await this.progress({ position: last.position, target });
      }
      if (this.place.position >= target) enough.abort();
      if (enough.signal.aborted) return;
    }
    signal.throwIfAborted();
  }

  /** What no release knows stays an error. */
  #handles(event: Stored): boolean {
    return !this.codec.knows(event) || [...this.#parts].some(({ shadow }) => shadow.fold.handles(event.type));
  }

  async #fold(events: readonly Recorded[]): Promise<void> {
    for (const { shadow, only, broken } of this.#parts) {
      const { fold } = shadow;
      const wanted = only
        ? events.filter((event) => fold.handles(event.type) && only.has(fold.key(event) ?? ''))
        : events;
      if (wanted.length === 0) continue;
      const brokenKeys: BrokenKeys = {
        among: async (_, keys) => [...broken.keys()].filter((key) => keys.has(key)),
        mark: async (_, key, position, error) => void broken.set(key, { position, error }),
      };
      const run = (step: typeof atOnce) =>
        transaction(this.pool, (client) => foldEvents(client, shadow, wanted, step, brokenKeys));
      try {
        await run(atOnce);
      } catch (error) {
        if (isTransient(error)) throw error;
        await run(carefully);
      }
    }
  }
}
