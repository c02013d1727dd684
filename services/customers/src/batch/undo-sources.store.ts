import { Injectable } from '@nestjs/common';
import { plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { CustomerLinks } from '../links/customer-links.view.ts';
import { batchList } from './batch-list.view.ts';
import { ConnectionRecords } from './connection-records.view.ts';
import type { Undo } from './undoing.ts';

/** Records with such changes, a page at a time, after a place in the log, or an id; `next` is null on the last one. */
export type UndoPage = {
  records: readonly string[];
  after: { position: number; id: string };
  done: number;
  last: string;
  next: string | null;
};

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

  /**
   * First those of batches, in the order of what happened, then those of a connection, by their ids.
   *
   * @param after as the page before said; empty for the first one
   */
  async page(whole: readonly Undo[], after: string): Promise<UndoPage> {
    if (after === '') await this.links.upToNow();
    const { batches, connection } = sourcesOf(whole);
    if (connection !== undefined && (batches.length === 0 || after.length === firstId.length)) {
      return this.#pageOfConnection(connection, after || firstId);
    }
    const page = await this.#pageOfBatches(batches, Number(after));
    return connection === undefined || page.next !== null ? page : { ...page, last: firstId, next: firstId };
  }

  async total(whole: readonly Undo[]): Promise<number> {
    const { batches, connection } = sourcesOf(whole);
    const ofBatches = await this.kernel.store.countOfBatches(customer.category, batches);
    return connection === undefined ? ofBatches : ofBatches + (await this.connections.count(connection));
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

  async #pageOfBatches(batchIds: readonly string[], after: number): Promise<UndoPage> {
    const places = await this.kernel.store.streamsOfBatches(customer.category, batchIds, after, pageSize);
    const last = String(places.at(-1)?.position ?? after);
    return {
      records: [...new Set(places.map(({ id }) => id))],
      after: { position: after, id: '' },
      done: places.length,
      last,
      next: places.length < pageSize ? null : last,
    };
  }

  async #pageOfConnection(connectionId: string, after: string): Promise<UndoPage> {
    if (after === firstId) await this.connections.upToNow();
    const records = await this.connections.after(connectionId, after, pageSize);
    const last = records.at(-1) ?? after;
    const next = records.length < pageSize ? null : last;
    return { records, after: { position: Infinity, id: after }, done: records.length, last, next };
  }
}

const sourcesOf = (whole: readonly Undo[]) => ({
  batches: whole.flatMap(({ undoes }) => undoes ?? []),
  connection: whole.at(-1)?.undoesConnection ?? undefined,
});
