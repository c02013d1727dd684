import { Injectable } from '@nestjs/common';
import type { CustomerEvent, RecordedOf } from '@throughline/contracts';
import { Kernel } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import type { Customer } from '../customer/customer-state.ts';
import { CustomerLinks } from '../links/customer-links.view.ts';
import { ConnectionRecords } from './connection-records.view.ts';

type Happened = RecordedOf<CustomerEvent>;

/** Whose changes are taken back: those of a batch, or all that a connection said. */
export type Undoing = { undoes: string } | { undoesConnection: string };

/** Records with such changes, a page at a time; `next` is null on the last one. */
export type UndoPage = { records: readonly string[]; done: number; last: string; next: string | null };

const pageSize = 500;
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

/** Tells the events of a record that are to be taken back. */
export const isUndone = (undoing: Undoing, { externalIds }: Pick<Customer, 'externalIds'>) => {
  if ('undoes' in undoing) return ({ meta }: Happened): boolean => meta.batchId === undoing.undoes;
  const { undoesConnection } = undoing;
  const isItsRecord = externalIds.some(({ connectionId }) => connectionId === undoesConnection);
  return ({ data, meta: { actor } }: Happened): boolean =>
    actor.type === 'connection' ? actor.id === undoesConnection : isItsRecord && 'stamp' in data;
};
