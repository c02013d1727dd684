import { Injectable } from '@nestjs/common';
import type { DuplicateBand, DuplicateReason, Instant } from '@throughline/contracts';
import { Commands, derivedId, notFound, plainTypes } from '@throughline/event-sourcing';
import { Kernel, keysetPage, keysetPlace } from '@throughline/service';
import { duplicateQueue } from './duplicate-queue.view.ts';
import { duplicate, pairId, type LikelyPair } from './duplicate.ts';
import { matchRecords } from './match-records.view.ts';
import { MatchRecords, type Found, type Named } from './match-records.store.ts';
import { bandOf } from './same-values.ts';

export type DuplicateStatus = 'open' | 'dismissed' | 'merged';

/** A pair of the queue: who the two are now, and what speaks for it. */
export type Listed = {
  id: string;
  status: DuplicateStatus;
  score: number;
  band: DuplicateBand;
  by: string;
  reasons: readonly DuplicateReason[];
  foundAt: Instant;
  settledAt: Instant | null;
  records: readonly Named[];
};

type Page = {
  items: Listed[];
  nextCursor: string | null;
  /** Exact up to `mostCounted`. */
  total: { value: number; exact: boolean };
};

export type SurePair = { id: string; a: string; b: string; score: number };

const longestWait = 30_000;
const mostCounted = 10_000;

const listed = `from "${duplicateQueue.table}" d
  join "${matchRecords.table}" a on a.record_id = d.a
  join "${matchRecords.table}" b on b.record_id = d.b
  where d.status = $1 and ($1 <> 'open' or (a.active and b.active and a.golden_id <> b.golden_id))`;

type Row = Omit<Listed, 'records'> & { a: string; b: string };

/** Pairs of customers that may be the same, recorded and looked up. */
@Injectable()
export class Duplicates {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly matches: MatchRecords,
  ) {}

  /** @param seed what the commands' ids derive from */
  async record(pairs: readonly LikelyPair[], seed: string): Promise<void> {
    const items = pairs.map((pair) => {
      const id = pairId(...pair.records);
      const command = { type: 'RecordDuplicate' as const, ...pair };
      // Scores may have moved until it comes again: the id says by itself what it repeats.
      return { id, command, commandId: derivedId('duplicate', seed, id), body: { type: 'RecordDuplicate' } };
    });
    for (const outcome of await this.commands.executeMany(duplicate, items)) {
      if (outcome.status === 'refused') throw outcome.refusal;
    }
  }

  /** The strongest first. Pairs that are one customer by now, archived or erased, are no longer open. */
  async list(status: DuplicateStatus, limit: number, cursor?: string): Promise<Page> {
    const place = keysetPlace(cursor, 'number');
    const [{ rows }, total] = await Promise.all([
      this.kernel.pool.query<Row>({
        text: `select d.id, d.status, d.score, d.band, d.by, d.reasons, d.found_at as "foundAt", d.settled_at as "settledAt", d.a, d.b
          ${listed} and ($2::float8 is null or (d.score, d.id) < ($2::float8, $3::uuid))
          order by d.score desc, d.id desc limit $4`,
        values: [status, place?.value ?? null, place?.id ?? null, limit + 1],
        types: plainTypes,
      }),
      this.#total(status),
    ]);
    const { items, nextCursor } = keysetPage(rows, limit, ({ score }) => score);
    const named = await this.matches.named(items.flatMap(({ a, b }) => [a, b]));
    return {
      items: items.map(({ a, b, ...row }) => ({ ...row, records: [a, b].flatMap((side) => named.get(side) ?? []) })),
      nextCursor,
      total,
    };
  }

  /** Of all pages. */
  async #total(status: DuplicateStatus): Promise<Page['total']> {
    const counted = `select count(*)::int as count from (select 1 ${listed} limit ${mostCounted + 1}) counted`;
    const { rows } = await this.kernel.pool.query<{ count: number }>(counted, [status]);
    const count = rows[0]?.count ?? 0;
    return { value: Math.min(count, mostCounted), exact: count <= mostCounted };
  }

  /** Pairs to be merged by themselves: those that nobody has dismissed, nor taken apart after a merge. */
  async sure(weight: number): Promise<SurePair[]> {
    const { rows } = await this.kernel.pool.query<SurePair>(
      `select d.id, d.a, d.b, d.score from "${duplicateQueue.table}" d
       join "${matchRecords.table}" a on a.record_id = d.a and a.golden_id = d.a
       join "${matchRecords.table}" b on b.record_id = d.b and b.golden_id = d.b
       where d.status = 'open' and d.band = 'automatic' and d.score >= $1 and not d.was_merged and a.active and b.active`,
      [weight],
    );
    return rows;
  }

  /** Of some customers, the pairs that somebody said are two. */
  async apart(customerIds: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.kernel.pool.query<{ a: string; b: string }>(
      `select a.golden_id as a, b.golden_id as b from "${duplicateQueue.table}" d
       join "${matchRecords.table}" a on a.record_id = d.a
       join "${matchRecords.table}" b on b.record_id = d.b
       where (d.status = 'dismissed' or d.was_merged) and a.golden_id = any($1) and b.golden_id = any($1)`,
      [customerIds],
    );
    return new Set(rows.map(({ a, b }) => pairId(a, b)));
  }

  /** Open pairs whose two are one customer by now, with the one that answers for both. */
  async joined(): Promise<{ id: string; survivor: string }[]> {
    const { rows } = await this.kernel.pool.query<{ id: string; survivor: string }>(
      `select d.id, a.golden_id as survivor from "${duplicateQueue.table}" d
       join "${matchRecords.table}" a on a.record_id = d.a
       join "${matchRecords.table}" b on b.record_id = d.b
       where d.status = 'open' and a.golden_id = b.golden_id order by d.id`,
    );
    return rows;
  }

  /** Waits until what is recorded by now can be looked up. @throws Refusal `too-busy` */
  async caughtUp(): Promise<void> {
    await this.kernel.viewsHold([duplicateQueue, matchRecords], await this.kernel.feed().head(), longestWait);
  }

  /** @throws Refusal `duplicate-not-found` */
  async read(id: string) {
    const { state, version, position } = await this.commands.load(duplicate, id);
    if (version === 0) throw notFound('duplicate-not-found');
    const { status, score, band, reasons, records } = state;
    const named = await this.matches.named(records);
    const prior = reasons.reduce((rest, { weight }) => rest - weight, score);
    const fields = {
      status,
      score,
      probability: 1 / (1 + 2 ** -score),
      band,
      prior,
      reasons,
      records: records.flatMap((side) => named.get(side) ?? []),
    };
    return { id, version, position, fields };
  }
}

const rounded = (bits: number) => Math.round(bits * 1_000) / 1_000;

/** What is recorded of two customers: nothing of what they say, only how well it agrees. */
export const likelyPair = (
  customerId: string,
  { customerId: other, weight, reasons }: Pick<Found, 'customerId' | 'weight' | 'reasons'>,
  by: LikelyPair['by'],
): LikelyPair => ({
  records: [customerId, other],
  score: rounded(weight),
  reasons: reasons.map((reason) => ({ ...reason, weight: rounded(reason.weight) })),
  band: bandOf({ weight, reasons }),
  by,
});
