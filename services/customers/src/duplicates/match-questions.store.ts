import { Injectable } from '@nestjs/common';
import { transaction } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { MatchQuery } from '../matching/candidates.ts';
import type { MatchRecord } from '../matching/match-record.ts';
import { CrowdedKeys } from './crowded-keys.ts';
import { keyHash, matchRecords } from './match-records.view.ts';

/** A query for records of other customers than one. */
export type MatchQuestion = MatchQuery & { goldenId: string | null };
export type MatchHit = { record: MatchRecord; customerId: string };
export type MatchAnswer = readonly MatchHit[] | 'crowded';

type HitRow = { asked: number[]; recordId: string; goldenId: string; compared: MatchRecord };
type CrowdedRow = { asked: number[]; recordId: null };
type Hashed = { question: MatchQuestion; key: number; other: number | null };

const keptMilliseconds = 10 * 60_000;

/** Asks the match view for records by their keys. */
@Injectable()
export class MatchQuestions {
  /** A long list of an index is read to its end, even by who wants ten of it: what is known to be long is not asked for. */
  #crowded: { keys: Promise<CrowdedKeys>; at: number } | undefined;

  constructor(private readonly kernel: Kernel) {}

  /** What each question finds, all of them asked at once. */
  async ask(questions: readonly MatchQuestion[]): Promise<ReadonlyMap<MatchQuestion, MatchAnswer>> {
    if (questions.length === 0) return new Map();
    const crowded = await this.#crowdedKeys();
    const hashed = questions.map((question): Hashed => {
      const [key, other] = question.keys.map(keyHash);
      return { question, key: key as number, other: other ?? null };
    });
    const isKnown = ({ question, key, other }: Hashed) =>
      other === null && !question.some && crowded.has(key, question.limit);
    const asked = hashed.filter((one) => !isKnown(one));
    const hits = new Map(asked.map(({ question }): [MatchQuestion, MatchHit[]] => [question, []]));
    for (const row of await this.#find(asked)) {
      const askedBy = row.asked.map((place) => asked[place] as Hashed);
      if (row.recordId === null) {
        for (const { question, key, other } of askedBy) {
          hits.delete(question);
          if (other === null) crowded.add(key, question.limit + 1);
        }
      } else {
        const hit = { record: row.compared, customerId: row.goldenId };
        for (const { question } of askedBy) hits.get(question)?.push(hit);
      }
    }
    return new Map(questions.map((question) => [question, hits.get(question) ?? 'crowded']));
  }

  async #find(asked: readonly Hashed[]): Promise<readonly (HitRow | CrowdedRow)[]> {
    if (asked.length === 0) return [];
    return transaction(this.kernel.pool, async (client) => {
      // The planner knows nothing of the keys to come, and would rather read the whole table for a limit of ten.
      await client.query('set local enable_seqscan = off; set local jit = off');
      const { rows } = await client.query<HitRow | CrowdedRow>(
        `with questions as materialized (
           select n, case when other is null then array[one] else array[one, other] end as wanted, most, partly, own
           from unnest($1::int[], $2::int[], $3::int[], $4::boolean[], $5::uuid[])
             with ordinality as q(one, other, most, partly, own, n)
         ), hits as materialized (
           select q.n, h.record_id from questions q cross join lateral (
             select record_id from "${matchRecords.table}"
             where keys @> q.wanted and (q.own is null or golden_id <> q.own)
             limit case when q.partly then q.most else q.most + 1 end
           ) h
         ), crowded as materialized (
           select n from questions join (select n, count(*) as found from hits group by n) h using (n) where found > most
         )
         select f.asked, m.record_id as "recordId", m.golden_id as "goldenId", m.compared
         from (
           select record_id, array_agg((n - 1)::int) as asked from hits
           where n not in (select n from crowded) group by record_id
         ) f join "${matchRecords.table}" m using (record_id)
         union all select array_agg((n - 1)::int), null, null, null from crowded having count(*) > 0
         order by "recordId"`,
        [
          asked.map(({ key }) => key),
          asked.map(({ other }) => other),
          asked.map(({ question }) => question.limit),
          asked.map(({ question }) => question.some === true),
          asked.map(({ question }) => question.goldenId),
        ],
      );
      return rows;
    });
  }

  /** Asked for anew every now and then: what was crowded need not be for ever. */
  #crowdedKeys(): Promise<CrowdedKeys> {
    if (!this.#crowded || Date.now() - this.#crowded.at > keptMilliseconds) {
      const keys = this.#mostCommon();
      this.#crowded = { keys, at: Date.now() };
      keys.catch(() => (this.#crowded = undefined));
    }
    return this.#crowded.keys;
  }

  /** The most common keys, as Postgres knows them from its last look at the table. */
  async #mostCommon(): Promise<CrowdedKeys> {
    const { rows } = await this.kernel.pool.query<{ key: number; records: number }>(
      `select key, (share * c.reltuples)::float8 as records
       from pg_stats s join pg_class c on c.oid = to_regclass($1)
       cross join unnest(s.most_common_elems::text::int[], s.most_common_elem_freqs) as e(key, share)
       where s.schemaname = current_schema() and s.tablename = $1::text and s.attname = 'keys' and key is not null`,
      [matchRecords.table],
    );
    const crowded = new CrowdedKeys();
    for (const { key, records } of rows) crowded.add(key, records);
    return crowded;
  }
}
