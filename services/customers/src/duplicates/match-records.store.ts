import { Injectable } from '@nestjs/common';
import { checkpointOf, conflict, gathered, passed, transaction } from '@throughline/event-sourcing';
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

/** A record to find duplicates of, without those of its own customer: they are no duplicates of each other. */
export type Sought = { record: MatchRecord; goldenId: string | null };

type Question = MatchQuery & Pick<Sought, 'goldenId'>;
type Hit = { record: MatchRecord; customerId: string };
type Ask = (questions: readonly Question[]) => Promise<ReadonlyMap<Question, readonly Hit[]>>;

const longestWait = 10_000;
const firstId = '00000000-0000-0000-0000-000000000000';
const pageSize = 2_000;
/** Of one value, how many that have it are looked at. */
const mostSharing = 20;

/** Of each customer its first record. */
export function oneOfEach(found: readonly Found[]): Found[] {
  const customers = new Set<string>();
  return found.filter(({ customerId }) => !customers.has(customerId) && customers.add(customerId));
}

/** Looks for duplicates among all records, as far as the view has come. */
@Injectable()
export class MatchRecords {
  /** Those who ask one by one at the same time, as policies do. */
  readonly #together = gathered((questions: readonly Question[]) => this.#find(questions));

  constructor(private readonly kernel: Kernel) {}

  /**
   * The customers that a record may be a duplicate of, the strongest first.
   *
   * @param goldenId the customer whose records are left out
   */
  candidatesOf(record: MatchRecord, goldenId: string | null, threshold: number = thresholds.review): Promise<Found[]> {
    return candidatesOf({ record, goldenId }, this.#together, threshold);
  }

  /** As `candidatesOf` of each; what one of them asks the view travels with what the others ask. */
  async candidatesOfEach<S extends Sought>(
    all: readonly S[],
    threshold: number = thresholds.review,
  ): Promise<ReadonlyMap<S, Found[]>> {
    const ask = gathered((questions: readonly Question[]) => this.#find(questions));
    return new Map(
      await Promise.all(all.map(async (sought) => [sought, await candidatesOf(sought, ask, threshold)] as const)),
    );
  }

  /** The customers that have an identity in common with a record (an e-mail, a phone, a number), whatever else differs. */
  async sharingWithEach<S extends Sought>(all: readonly S[]): Promise<ReadonlyMap<S, Found[]>> {
    const asked = all.map((sought) => {
      const { identities, joint } = blockingKeys(sought.record);
      const questions = [...identities, ...joint].map((key): Question => ({
        keys: [key],
        limit: mostSharing,
        goldenId: sought.goldenId,
      }));
      return { sought, questions };
    });
    const hits = await this.#find(asked.flatMap(({ questions }) => questions));
    return new Map(
      asked.map(({ sought, questions }) => {
        const found = questions
          .flatMap((question) => hits.get(question) ?? [])
          .map((hit) => ({ ...hit, ...scoreOf(builtInModel, sought.record, hit.record) }));
        return [sought, oneOfEach(found.toSorted((a, b) => b.weight - a.weight))];
      }),
    );
  }

  /** Number and name of the customers that records belong to; those that are gone are left out. */
  async named(recordIds: readonly string[]): Promise<ReadonlyMap<string, Named>> {
    if (recordIds.length === 0) return new Map();
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

  /** What each question finds, all of them asked at once. */
  async #find(questions: readonly Question[]): Promise<ReadonlyMap<Question, readonly Hit[]>> {
    if (questions.length === 0) return new Map();
    const rows = await transaction(this.kernel.pool, async (client) => {
      // The planner knows nothing of the keys to come, and would rather read the whole table for a limit of ten.
      await client.query('set local enable_seqscan = off; set local jit = off');
      const found = await client.query<{ asked: number[]; recordId: string; goldenId: string; said: Said }>(
        `with hits as materialized (
           select q.n, h.record_id
           from unnest($1::int[], $2::int[], $3::int[], $4::uuid[]) with ordinality as q(one, other, most, own, n)
           cross join lateral (
             select record_id from "${matchRecords.table}"
             where keys @> array[q.one, q.other] and (q.own is null or golden_id <> q.own) limit q.most
           ) h)
         select f.asked, m.record_id as "recordId", m.golden_id as "goldenId", m.said
         from (select record_id, array_agg((n - 1)::int) as asked from hits group by record_id) f
         join "${matchRecords.table}" m using (record_id) order by record_id`,
        [
          questions.map(({ keys }) => keyHash(keys[0]!)),
          questions.map(({ keys }) => keyHash(keys.at(-1)!)),
          questions.map(({ limit }) => limit),
          questions.map(({ goldenId }) => goldenId),
        ],
      );
      return found.rows;
    });
    const answers = new Map(questions.map((question): [Question, Hit[]] => [question, []]));
    for (const { asked, recordId, goldenId: customerId, said } of rows) {
      const hit = { record: comparable(recordId, said), customerId };
      for (const n of asked) answers.get(questions[n]!)!.push(hit);
    }
    return answers;
  }
}

async function candidatesOf({ record, goldenId }: Sought, ask: Ask, threshold: number): Promise<Found[]> {
  const customers = new Map<string, string>();
  const index: MatchIndex = {
    find: async (queries) => {
      const questions = queries.map((query): Question => ({ ...query, goldenId }));
      const answers = await ask(questions);
      return questions.map((question) =>
        (answers.get(question) ?? []).map((hit) => {
          customers.set(hit.record.id, hit.customerId);
          return hit.record;
        }),
      );
    },
  };
  const { found } = await findCandidates(record, index, builtInModel, { threshold });
  return oneOfEach(
    found.map((candidate) => ({ ...candidate, customerId: customers.get(candidate.record.id) as string })),
  );
}
