import { Injectable } from '@nestjs/common';
import { elementsOf } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { MatchQuery } from '../matching/candidates.ts';
import { keyHash, matchRecords } from './match-records.view.ts';

/** A query for records of other customers than one. */
export type MatchQuestion = MatchQuery & { goldenId: string | null };
/** Ids of records. */
export type MatchAnswer = readonly string[] | 'crowded';

type AskedRow = { asked: number; records: string[] };

/** Asks the match view for records by their keys. */
@Injectable()
export class MatchQuestions {
  constructor(private readonly kernel: Kernel) {}

  /** What each question finds, all of them asked at once. Of a key that many have, no more is read than was asked for. */
  async ask(questions: readonly MatchQuestion[]): Promise<ReadonlyMap<MatchQuestion, MatchAnswer>> {
    if (questions.length === 0) return new Map();
    const elements = `"${elementsOf(matchRecords)}"`;
    const keys = questions.map((question) => question.keys.map(keyHash));
    const { rows } = await this.kernel.pool.query<AskedRow>(
      `with own as materialized (
         select golden_id, array_agg(record_id) as records from "${matchRecords.table}"
         where golden_id = any($4::uuid[]) group by golden_id
       )
       select (n - 1)::int as asked, array_agg(h.record_id) as records
       from unnest($1::int[], $2::int[], $3::int[], $4::uuid[]) with ordinality as q(one, other, most, golden_id, n)
       left join own using (golden_id)
       cross join lateral (
         select e.record_id from ${elements} e
         where e.element = q.one and (own.records is null or e.record_id <> all(own.records))
           and (q.other is null or exists (
             select from ${elements} o where o.element = q.other and o.record_id = e.record_id))
         limit q.most
       ) h
       group by n`,
      [
        keys.map(([one]) => one),
        keys.map(([, other]) => other ?? null),
        questions.map(({ limit, some }) => (some ? limit : limit + 1)),
        questions.map(({ goldenId }) => goldenId),
      ],
    );
    const found = new Map(rows.map(({ asked, records }) => [asked, records]));
    return new Map(
      questions.map((question, place) => {
        const records = found.get(place) ?? [];
        return [question, records.length > question.limit ? 'crowded' : records];
      }),
    );
  }
}
