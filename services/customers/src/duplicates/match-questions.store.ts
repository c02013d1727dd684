import { Injectable } from '@nestjs/common';
import { elementsOf } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { MatchLookup, MatchQuery } from '../matching/candidates.ts';
import { keyHash, matchRecords } from './match-records.view.ts';

/** A look for records of other customers than one. */
export type MatchQuestion = MatchLookup & { goldenId: string | null };
export type MatchAnswer = { ids: readonly string[]; crowded: readonly MatchQuery[] };

type Row = { asked: number; ids: string[] | null; crowded: number[] | null };

/** Of two keys, as many records that have the first one are looked at: what more have says nothing. */
const mostJoined = 5_000;

/** Asks the match view for records by their keys. */
@Injectable()
export class MatchQuestions {
  constructor(private readonly kernel: Kernel) {}

  /** What each question finds, all of them asked at once. Of a key that many have, no more is read than was asked for. */
  async ask(questions: readonly MatchQuestion[]): Promise<ReadonlyMap<MatchQuestion, MatchAnswer>> {
    const queries = questions.flatMap((question, asked) => question.queries.map((query) => ({ asked, query })));
    if (queries.length === 0) return new Map();
    const elements = `"${elementsOf(matchRecords)}"`;
    const keys = queries.map(({ query }) => query.keys.map(keyHash));
    const { rows } = await this.kernel.pool.query<Row>(
      `with questions as materialized (
         select asked, least, array(select record_id from "${matchRecords.table}" where golden_id = g.golden_id) as own
         from unnest($1::int[], $2::uuid[]) with ordinality as g(least, golden_id, asked)
       ), queries as materialized (
         select q.*, g.least, g.own
         from unnest($3::int[], $4::int[], $5::int[], $6::int[], $7::boolean[], $8::int[])
           with ordinality as q(asked, one, other, most, partly, worth, n)
         join questions g on g.asked = q.asked + 1
       ), hits as materialized (
         select q.asked, q.least, q.n, q.most, q.partly, q.worth, h.record_id from queries q cross join lateral (
           select e.record_id
           -- In the order of the index: Postgres would read all that have a key as long as it has not counted how many do.
           from (
             select record_id from ${elements} where element = q.one order by record_id limit ${mostJoined}
           ) e
           where e.record_id <> all(q.own)
             -- As a value, not as a condition: Postgres would read all that have the other key.
             and (q.other is null
               or (select true from ${elements} o where o.element = q.other and o.record_id = e.record_id))
           limit case when q.partly then q.most else q.most + 1 end
         ) h
       ), crowded as materialized (
         select asked, n from hits where not partly group by asked, n, most having count(*) > most
       ), found as (
         select asked, record_id from hits where n not in (select n from crowded)
         group by asked, least, record_id having sum(worth) >= least
       )
       select asked, array_agg(record_id) as ids, null::int[] as crowded from found group by asked
       union all select asked, null, array_agg((n - 1)::int) from crowded group by asked`,
      [
        questions.map(({ least }) => least),
        questions.map(({ goldenId }) => goldenId),
        queries.map(({ asked }) => asked),
        keys.map(([one]) => one),
        keys.map(([, other]) => other ?? null),
        queries.map(({ query }) => query.limit),
        queries.map(({ query }) => query.some === true),
        queries.map(({ query }) => query.worth),
      ],
    );
    const ofQuestion = Map.groupBy(rows, ({ asked }) => asked);
    return new Map(
      questions.map((question, place) => {
        const own = ofQuestion.get(place) ?? [];
        const ids = own.flatMap((row) => row.ids ?? []);
        const crowded = own
          .flatMap((row) => row.crowded ?? [])
          .map((n) => (queries[n] as (typeof queries)[number]).query);
        return [question, { ids, crowded }];
      }),
    );
  }
}
