import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { invalid, transaction } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';

export type Selected = { place: number; recordId: string };

/** How long one that no batch came of is kept. */
const abandonedAfter = '7 days';

/** The records that a batch is about, under its id, as they were when it was asked for. */
@Injectable()
export class Selections {
  constructor(private readonly kernel: Kernel) {}

  /**
   * Keeps a selection, whole or not at all. The same one again changes nothing.
   *
   * @param madeOf what names the records: a list of ids, a filter
   * @throws Refusal `idempotency-key-reused` where one of something else has this id
   */
  async store(
    id: string,
    madeOf: string,
    pages: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  ): Promise<void> {
    await transaction(this.kernel.pool, async (client) => {
      const { rowCount } = await client.query(
        'insert into selections (id, made_of) values ($1, $2) on conflict (id) do nothing',
        [id, this.#hashed(madeOf)],
      );
      let count = 0;
      for await (const page of pages) {
        if (rowCount === 0) continue;
        await client.query(
          `insert into selected_records (selection, place, record_id)
           select $1, $2 + place, record_id from unnest($3::uuid[]) with ordinality as given(record_id, place)`,
          [id, count, page],
        );
        count += page.length;
      }
      await client.query(
        `delete from selections s where stored_at < now() - interval '${abandonedAfter}'
         and not exists (select from streams where type = 'batch' and streams.id = s.id)`,
      );
    });
    await this.has(id, madeOf);
  }

  /** @throws Refusal `idempotency-key-reused` where one of something else has this id */
  async has(id: string, madeOf: string): Promise<boolean> {
    const { rows } = await this.kernel.pool.query<{ of: Buffer }>(
      'select made_of as of from selections where id = $1',
      [id],
    );
    if (rows[0] && !rows[0].of.equals(this.#hashed(madeOf))) throw invalid('idempotency-key-reused');
    return rows[0] !== undefined;
  }

  async count(id: string): Promise<number> {
    const { rows } = await this.kernel.pool.query<{ last: number }>(
      'select coalesce(max(place), 0) as last from selected_records where selection = $1',
      [id],
    );
    return rows[0]?.last ?? 0;
  }

  async after(id: string, place: number, limit: number): Promise<Selected[]> {
    const { rows } = await this.kernel.pool.query<Selected>(
      `select place, record_id as "recordId" from selected_records where selection = $1 and place > $2
       order by place limit $3`,
      [id, place, limit],
    );
    return rows;
  }

  /** The records are no longer needed; that there was a selection stays known. */
  async empty(id: string): Promise<void> {
    await this.kernel.pool.query('delete from selected_records where selection = $1', [id]);
  }

  /** A filter can hold a name: it is not kept in clear. */
  #hashed(madeOf: string): Buffer {
    return createHmac('sha256', this.kernel.secrets.key('selections')).update(madeOf).digest();
  }
}
