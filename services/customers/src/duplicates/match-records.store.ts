import { Injectable } from '@nestjs/common';
import { checkpointOf, conflict, passed, transaction } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { blockingKeys } from '../matching/blocking-keys.ts';
import { builtInModel } from '../matching/built-in-model.ts';
import { findCandidates, type Candidate, type MatchIndex, type MatchQuery } from '../matching/candidates.ts';
import type { MatchRecord } from '../matching/match-record.ts';
import { scoreOf, thresholds } from '../matching/score.ts';
import { comparable, keyHash, matchRecords, type MatchRow, type Said } from './match-records.view.ts';

/** What is shown of one side of a pair. */
export type Named = { recordId: string; customerId: string; number: string; name: string | null };

/** A record that another may be a duplicate of, with the customer that it belongs to. */
export type Found = Candidate & { customerId: string };

type Hit = { queries: number[]; recordId: string; goldenId: string; said: Said };

const longestWait = 10_000;
const firstId = '00000000-0000-0000-0000-000000000000';
const pageSize = 2_000;
/** Of one value, how many that have it are looked at. */
const mostSharing = 20;

function oneOfEach(found: readonly Found[]): Found[] {
  const customers = new Set<string>();
  return found.filter(({ customerId }) => !customers.has(customerId) && customers.add(customerId));
}

/** Looks for duplicates among all records, as far as the view has come. */
@Injectable()
export class MatchRecords {
  constructor(private readonly kernel: Kernel) {}

  /**
   * The customers that a record may be a duplicate of, the strongest first.
   *
   * @param goldenId the customer whose records are left out: they are no duplicates of each other
   */
  async candidatesOf(
    record: MatchRecord,
    goldenId: string | null,
    threshold: number = thresholds.review,
  ): Promise<Found[]> {
    const golden = new Map<string, string>();
    const known = new Map<string, MatchRecord>();
    const index: MatchIndex = {
      find: async (queries) => {
        const hits = await this.#find(queries, goldenId);
        const found = queries.map((): MatchRecord[] => []);
        for (const { queries: at, recordId, goldenId: customerId, said } of hits) {
          golden.set(recordId, customerId);
          const other = known.get(recordId) ?? comparable(recordId, said);
          known.set(recordId, other);
          for (const query of at) found[query]!.push(other);
        }
        return found;
      },
    };
    const { found } = await findCandidates(record, index, builtInModel, { threshold });
    return oneOfEach(
      found.map((candidate) => ({ ...candidate, customerId: golden.get(candidate.record.id) as string })),
    );
  }

  /** The customers that have an identity in common with a record (an e-mail, a phone, a number), whatever else differs. */
  async sharingWith(record: MatchRecord, goldenId: string | null): Promise<Found[]> {
    const { identities, joint } = blockingKeys(record);
    const hits = await this.#find(
      [...identities, ...joint].map((key) => ({ keys: [key], limit: mostSharing })),
      goldenId,
    );
    const found = hits.map(({ recordId, goldenId: customerId, said }) => {
      const other = comparable(recordId, said);
      return { record: other, customerId, ...scoreOf(builtInModel, record, other) };
    });
    return oneOfEach(found.toSorted((a, b) => b.weight - a.weight));
  }

  /** Number and name of the customers that records belong to; those that are gone are left out. */
  async named(recordIds: readonly string[]): Promise<ReadonlyMap<string, Named>> {
    const { rows } = await this.kernel.pool.query<Named>(
      `select m.record_id as "recordId", g.record_id as "customerId", g.number, g.said->>'name' as name
       from "${matchRecords.table}" m join "${matchRecords.table}" g on g.record_id = m.golden_id
       where m.record_id = any($1)`,
      [recordIds],
    );
    return new Map(rows.map((row) => [row.recordId, row]));
  }

  /** All active records, so many at a time. */
  async *pages(): AsyncGenerator<readonly Pick<MatchRow, 'recordId' | 'goldenId' | 'said'>[], void> {
    for (let after = firstId; ;) {
      const { rows } = await this.kernel.pool.query<Pick<MatchRow, 'recordId' | 'goldenId' | 'said'>>(
        `select record_id as "recordId", golden_id as "goldenId", said from "${matchRecords.table}"
         where active and record_id > $1 order by record_id limit ${pageSize}`,
        [after],
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows;
      after = last.recordId;
    }
  }

  async saidOf(recordIds: readonly string[]): Promise<ReadonlyMap<string, Said>> {
    const { rows } = await this.kernel.pool.query<{ id: string; said: Said }>(
      `select record_id as id, said from "${matchRecords.table}" where record_id = any($1)`,
      [recordIds],
    );
    return new Map(rows.map(({ id, said }) => [id, said]));
  }

  async row(recordId: string): Promise<Pick<MatchRow, 'goldenId' | 'said' | 'active'> | undefined> {
    const { rows } = await this.kernel.pool.query<Pick<MatchRow, 'goldenId' | 'said' | 'active'>>(
      `select golden_id as "goldenId", said, active from "${matchRecords.table}" where record_id = $1`,
      [recordId],
    );
    return rows[0];
  }

  /** Waits until the view has come so far. @throws Refusal `too-busy` */
  async passed(position: number): Promise<void> {
    const view = [checkpointOf(matchRecords)];
    if (!(await passed(this.kernel.pool, view, matchRecords.feed, position, longestWait))) throw conflict('too-busy');
  }

  /** The rows that any of the queries finds, each once. */
  async #find(queries: readonly MatchQuery[], goldenId: string | null): Promise<readonly Hit[]> {
    if (queries.length === 0) return [];
    return transaction(this.kernel.pool, async (client) => {
      // The planner knows nothing of the keys to come, and would rather read the whole table for a limit of ten.
      await client.query('set local enable_seqscan = off; set local jit = off');
      const { rows } = await client.query<Hit>(
        `with hits as materialized (
           select q.n, h.record_id
           from unnest($1::int[], $2::int[], $3::int[]) with ordinality as q(one, other, most, n)
           cross join lateral (
             select record_id from "${matchRecords.table}"
             where keys @> array[q.one, q.other] and ($4::uuid is null or golden_id <> $4) limit q.most
           ) h)
         select f.queries, m.record_id as "recordId", m.golden_id as "goldenId", m.said
         from (select record_id, array_agg((n - 1)::int) as queries from hits group by record_id) f
         join "${matchRecords.table}" m using (record_id) order by record_id`,
        [
          queries.map(({ keys }) => keyHash(keys[0]!)),
          queries.map(({ keys }) => keyHash(keys.at(-1)!)),
          queries.map(({ limit }) => limit),
          goldenId,
        ],
      );
      return rows;
    });
  }
}
