import type { Instant } from '@throughline/contracts';
import { notFound, open, plainTypes, seal } from '@throughline/event-sourcing';
import type { SetAside } from '@throughline/messaging';
import type { Kernel } from './kernel.ts';

/** A message of a topic that this service could not read. */
export type DeadMessage = {
  id: number;
  topic: string;
  offset: number;
  reason: string;
  at: Instant;
  discardedAt: Instant | null;
  discardedBy: string | null;
  discardedBecause: string | null;
};

const columns = `id, topic, message_offset as offset, reason, at, discarded_at as "discardedAt", discarded_by as "discardedBy",
  discarded_because as "discardedBecause"`;
const sealedAs = (topic: string, offset: number) => `${topic}@${offset}`;

/** Messages that were set aside, with their bytes: nobody knows what is in them, so they are encrypted. */
export class DeadMessages {
  constructor(private readonly kernel: Pick<Kernel, 'pool' | 'secrets'>) {}

  readonly setAside: SetAside = async (topic, { key, value, headers, offset }, reason) => {
    const bytes = JSON.stringify({ key, value: value.toString('base64'), headers });
    await this.kernel.pool.query(
      `insert into dead_messages (topic, message_offset, reason, sealed) values ($1, $2, $3, $4) on conflict do nothing`,
      [topic, offset, reason, seal(this.#key(), bytes, sealedAs(topic, offset))],
    );
  };

  /** Oldest first; `open`: only those that nobody discarded. */
  async list(isOpen: boolean, limit: number): Promise<DeadMessage[]> {
    const { rows } = await this.kernel.pool.query<DeadMessage>({
      text: `select ${columns} from dead_messages where discarded_at is null = $1 order by id limit $2`,
      values: [isOpen, limit],
      types: plainTypes,
    });
    return rows;
  }

  /**
   * With what was in it: `value` in base64.
   *
   * @throws Refusal `dead-message-not-found`
   */
  async read(id: number): Promise<DeadMessage & { message: unknown }> {
    const { rows } = await this.kernel.pool.query<DeadMessage & { sealed: Buffer }>({
      text: `select ${columns}, sealed from dead_messages where id = $1`,
      values: [id],
      types: plainTypes,
    });
    if (!rows[0]) throw notFound('dead-message-not-found');
    const { sealed, ...shown } = rows[0];
    const bytes = open(this.#key(), sealed, sealedAs(shown.topic, shown.offset));
    return { ...shown, message: JSON.parse(bytes.toString()) as unknown };
  }

  /** Says that it is of no use; the bytes stay. @throws Refusal `dead-message-not-found` */
  async discard(id: number, by: string, because: string): Promise<void> {
    const { rowCount } = await this.kernel.pool.query(
      `update dead_messages set discarded_at = coalesce(discarded_at, now()), discarded_by = coalesce(discarded_by, $2),
         discarded_because = coalesce(discarded_because, $3) where id = $1`,
      [id, by, because],
    );
    if (rowCount === 0) throw notFound('dead-message-not-found');
  }

  #key() {
    return this.kernel.secrets.key('dead-messages');
  }
}
