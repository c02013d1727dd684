import { Injectable } from '@nestjs/common';
import { plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { CustomerLinks } from '../links/customer-links.view.ts';
import { batchList } from './batch-list.view.ts';
import { ConnectionRecords } from './connection-records.view.ts';
import type { Undo, Undoing } from './undoing.ts';

/** Records with such changes, a page at a time; `next` is null on the last one. */
export type UndoPage = { records: readonly string[]; done: number; last: string; next: string | null };

const pageSize = 500;
const longestWait = 10_000;
const firstId = '00000000-0000-0000-0000-000000000000';

/** Finds what an undo is about. */
@Injectable()
export class UndoSources {
  constructor(
    private readonly kernel: Kernel,
    private readonly connections: ConnectionRecords,
    private readonly links: CustomerLinks,
  ) {}

  /** @param after as the page before said; empty for the first one */
  async page(undoing: Undoing, after: string): Promise<UndoPage> {
    if (after === '') await this.links.upToNow();
    return 'undoes' in undoing
      ? this.#pageOfBatch(undoing.undoes, Number(after))
      : this.#pageOfConnection(undoing.undoesConnection, after || firstId);
  }

  total(undoing: Undoing): Promise<number> {
    return 'undoes' in undoing
      ? this.kernel.store.countOfBatch(customer.category, undoing.undoes)
      : this.connections.count(undoing.undoesConnection);
  }

  /** All that was ever taken back, or is about to be. */
  async undos(): Promise<Undo[]> {
    await this.kernel.viewsHold([batchList], await this.kernel.feed().head(), longestWait);
    const { rows } = await this.kernel.pool.query<Undo>({
      text: `select id, undoes, undoes_connection as "undoesConnection", started_at as "startedAt"
        from "${batchList.table}" where kind = 'undo'`,
      types: plainTypes,
    });
    return rows;
  }

  async #pageOfBatch(batchId: string, after: number): Promise<UndoPage> {
    const places = await this.kernel.store.streamsOfBatch(customer.category, batchId, after, pageSize);
    const last = String(places.at(-1)?.position ?? after);
    return {
      records: [...new Set(places.map(({ id }) => id))],
      done: places.length,
      last,
      next: places.length < pageSize ? null : last,
    };
  }

  async #pageOfConnection(connectionId: string, after: string): Promise<UndoPage> {
    if (after === firstId) await this.connections.upToNow();
    const records = await this.connections.after(connectionId, after, pageSize);
    const last = records.at(-1) ?? after;
    return { records, done: records.length, last, next: records.length < pageSize ? null : last };
  }
}
