import { Injectable } from '@nestjs/common';
import { plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { customer } from '../customer/customer.ts';

/** How far this store knows the keyring's tombstones: of a restored one that is not known. */
@Injectable()
export class ReplayedErasures {
  constructor(private readonly kernel: Kernel) {}

  /** Number of a destruction: all up to it are erasures in this store, where they concern anybody in it. */
  async upTo(): Promise<number> {
    const { rows } = await this.kernel.pool.query<{ upTo: number }>({
      text: 'select up_to as "upTo" from replayed_erasures join store using (generation)',
      types: plainTypes,
    });
    return rows[0]?.upTo ?? 0;
  }

  async reached(number: number): Promise<void> {
    await this.kernel.pool.query(
      `insert into replayed_erasures as r (generation, up_to) select generation, $1 from store
       on conflict (generation) do update set up_to = greatest(r.up_to, excluded.up_to)`,
      [number],
    );
  }

  /** Those of the records that this store has, and knows of no erasure of. */
  async notErased(ids: readonly string[]): Promise<readonly string[]> {
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `select id from streams s where type = $1 and id = any($2::uuid[]) and not exists (
         select from events e where e.stream_type = s.type and e.stream_id = s.id and e.type = 'CustomerErased')
       order by id`,
      [customer.category, ids],
    );
    return rows.map(({ id }) => id);
  }
}
