import { Injectable } from '@nestjs/common';
import type { Instant } from '@throughline/contracts';
import { plainTypes, recordId } from '@throughline/event-sourcing';
import { Kernel, type Forgets } from '@throughline/service';
import type { Seen } from '../connectors/connector.ts';
import { Deliveries } from '../hooks/deliveries.store.ts';

/** The records whose persons were erased: what a source says of them later opens a new record. */
@Injectable()
export class ErasedRecords implements Forgets {
  constructor(
    private readonly kernel: Kernel,
    private readonly deliveries: Deliveries,
  ) {}

  async remember(id: string, at: Instant): Promise<void> {
    await this.kernel.pool.query('insert into erased_records (id, erased_at) values ($1, $2) on conflict do nothing', [
      id,
      at,
    ]);
  }

  /** The raw messages in which the person was named. */
  async forget(subject: string): Promise<void> {
    const events = await this.kernel.store.about(subject);
    const deliveries = events.map(({ meta }) => (JSON.parse(meta) as { correlationId: string }).correlationId);
    await this.deliveries.forget([...new Set(deliveries)]);
  }

  /**
   * What was seen, under the record that it is about now: a customer's of before the erasure stays with the erased one,
   * as an order does that was placed before.
   */
  async redirect(seen: Seen): Promise<Seen> {
    const { event, stream } = seen;
    if (event.type === 'RefundSeen') return seen;
    const at = event.type === 'OrderSeen' ? event.placedAt : event.stamp.at;
    const customerId = await this.#recordOf(event.customerId, at);
    if (customerId === event.customerId) return seen;
    if (event.type === 'OrderSeen') return { stream, event: { ...event, customerId } };
    return { stream: { ...stream, id: customerId }, event: { ...event, customerId } };
  }

  /** The id salted with the number of erasures before `at`. */
  async #recordOf(first: string, at: Instant): Promise<string> {
    for (let [id, erasures] = [first, 0]; ; id = recordId(first, `erasure ${(erasures += 1)}`)) {
      const { rows } = await this.kernel.pool.query<{ erasedAt: Instant }>({
        text: 'select erased_at as "erasedAt" from erased_records where id = $1',
        values: [id],
        types: plainTypes,
      });
      if (!rows[0] || rows[0].erasedAt >= at) return id;
    }
  }
}
