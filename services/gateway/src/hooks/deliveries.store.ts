import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';
import { newId, open, plainTypes, seal } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import type { Delivery } from '../connectors/connector.ts';
import type { DeliveriesQuery, DeliveryStatus } from './delivery.dto.ts';

export type PendingDelivery = { id: string; attempts: number; delivery: Delivery };

type Row = {
  seq: number;
  id: string;
  delivery_id: string;
  status: DeliveryStatus;
  reason: string | null;
  attempts: number;
  received_at: string;
  settled_at: string | null;
};

const shown = ({ id, delivery_id, status, reason, attempts, received_at, settled_at }: Row) => ({
  id,
  deliveryId: delivery_id,
  status,
  reason,
  attempts,
  receivedAt: received_at,
  settledAt: settled_at,
});

/**
 * The raw messages of outside systems, encrypted. A hook answers 202 only after its message is a row here, so nothing that
 * was taken is lost; a message that failed stays until it is applied or discarded.
 */
@Injectable()
export class Deliveries extends EventEmitter<{ stored: [] }> {
  constructor(private readonly kernel: Kernel) {
    super();
    this.setMaxListeners(0);
  }

  /** @returns the row's id; a repeated delivery gets the first one's */
  async store(deliveryId: string, delivery: Delivery): Promise<string> {
    const id = newId();
    const sealed = seal(this.#key(), JSON.stringify(delivery), id);
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `insert into deliveries (id, connection_id, delivery_id, sealed, received_at) values ($1, $2, $3, $4, $5)
       on conflict (connection_id, delivery_id) do nothing returning id`,
      [id, delivery.connectionId, deliveryId, sealed, delivery.receivedAt],
    );
    if (rows.length > 0) {
      this.emit('stored');
      return id;
    }
    const { rows: known } = await this.kernel.pool.query<{ id: string }>(
      'select id from deliveries where connection_id = $1 and delivery_id = $2',
      [delivery.connectionId, deliveryId],
    );
    return known[0]?.id ?? id;
  }

  /** The next ones to map, oldest first. */
  async pending(limit: number): Promise<PendingDelivery[]> {
    const { rows } = await this.kernel.pool.query<{ id: string; attempts: number; sealed: Buffer }>(
      `select id, attempts, sealed from deliveries
       where status = 'received' and next_attempt_at <= now() order by seq limit $1`,
      [limit],
    );
    return rows.map(({ id, attempts, sealed }) => ({
      id,
      attempts,
      delivery: JSON.parse(open(this.#key(), sealed, id).toString()) as Delivery,
    }));
  }

  async applied(id: string): Promise<void> {
    await this.kernel.pool.query(
      `update deliveries set status = 'applied', reason = null, attempts = attempts + 1, settled_at = now() where id = $1`,
      [id],
    );
  }

  /** There was nothing in it to record. */
  async ignored(id: string, reason: string): Promise<void> {
    await this.kernel.pool.query(
      `update deliveries set status = 'ignored', reason = $2, attempts = attempts + 1, settled_at = now() where id = $1`,
      [id, reason],
    );
  }

  async failed(id: string, reason: string): Promise<void> {
    await this.kernel.pool.query(
      `update deliveries set status = 'failed', reason = $2, attempts = attempts + 1, settled_at = now() where id = $1`,
      [id, reason],
    );
  }

  /** Something that may go better later: stays received. */
  async postponed(id: string, reason: string, milliseconds: number): Promise<void> {
    await this.kernel.pool.query(
      `update deliveries set reason = $2, attempts = attempts + 1, next_attempt_at = now() + $3 * interval '1 millisecond'
       where id = $1`,
      [id, reason, milliseconds],
    );
  }

  async retry(connectionId: string, id: string) {
    const { rows } = await this.kernel.pool.query<Row>({
      text: `update deliveries set status = 'received', next_attempt_at = now(), settled_at = null
       where connection_id = $1 and id = $2 and status <> 'applied' returning *`,
      values: [connectionId, id],
      types: plainTypes,
    });
    if (rows[0]) this.emit('stored');
    return rows[0] && shown(rows[0]);
  }

  /** Newest first. */
  async list(connectionId: string, { status, cursor, limit = '50' }: DeliveriesQuery) {
    const { rows } = await this.kernel.pool.query<Row>({
      text: `select seq, id, delivery_id, status, reason, attempts, received_at, settled_at from deliveries
       where connection_id = $1 and ($2::text is null or status = $2) and ($3::bigint is null or seq < $3)
       order by seq desc limit $4`,
      values: [connectionId, status ?? null, cursor ?? null, Number(limit) + 1],
      types: plainTypes,
    });
    const page = rows.slice(0, Number(limit));
    return { items: page.map(shown), nextCursor: rows.length > page.length ? String(page.at(-1)?.seq) : null };
  }

  /** Messages that have done their work, and name a person who was erased. */
  async forget(ids: readonly string[]): Promise<void> {
    await this.kernel.pool.query(`delete from deliveries where id::text = any($1) and status = 'applied'`, [ids]);
  }

  /** Messages that have done their work, or had none to do, go after thirty days. */
  async purge(): Promise<void> {
    await this.kernel.pool.query(
      `delete from deliveries where status in ('applied', 'ignored') and settled_at < now() - interval '30 days'`,
    );
  }

  #key(): KeyObject {
    return this.kernel.secrets.key('deliveries');
  }
}
