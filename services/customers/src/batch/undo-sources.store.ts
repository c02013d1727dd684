import { Injectable } from '@nestjs/common';
import type { Recorded } from '@throughline/contracts';
import { Kernel } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { CustomerLinks } from '../links/customer-links.view.ts';
import { batchList, Batches } from './batch-list.view.ts';
import { ConnectionRecords } from './connection-records.view.ts';
import { tellingOf, wholeOf, type TellingOf, type Undo, type Undoing } from './undoing.ts';

/** Records with such changes, a page at a time; `next` is null on the last one. */
type Page = { records: readonly string[]; done: number; last: string; next: string | null };
export type UndoPage = Page & {
  telling: TellingOf;
  /** Whether no page before this one has a record. */
  isFirst: (id: string, events: readonly Pick<Recorded, 'position' | 'meta'>[]) => boolean;
};

const pageSize = 500;
const longestWait = 10_000;
const firstId = '00000000-0000-0000-0000-000000000000';

/** Finds what an undo is about. */
@Injectable()
export class UndoSources {
  constructor(
    private readonly kernel: Kernel,
    private readonly batches: Batches,
    private readonly connections: ConnectionRecords,
    private readonly links: CustomerLinks,
  ) {}

  /**
   * First those of batches, in the order of what happened, then those of a connection, by their ids.
   *
   * @param after as the page before said; empty for the first one
   */
  async page(undoing: Undoing, after: string): Promise<UndoPage> {
    if (after === '') await this.links.upToNow();
    const undos = await this.undos();
    const { batches, connection } = sourcesOf(undoing, undos);
    const isOfConnection = connection !== undefined && (batches.length === 0 || after.length === firstId.length);
    const page = isOfConnection
      ? await this.#pageOfConnection(connection, after || firstId)
      : await this.#pageOfBatches(batches, Number(after));
    const isFirst: UndoPage['isFirst'] = (id, events) => {
      const first = events.find(({ meta }) => batches.includes(meta.batchId ?? ''));
      return isOfConnection ? !first && id > after : !first || first.position > Number(after);
    };
    const isTurning = connection !== undefined && !isOfConnection && page.next === null;
    const turn = isTurning ? { last: firstId, next: firstId } : {};
    return { ...page, ...turn, telling: tellingOf(undoing, undos), isFirst };
  }

  async total(undoing: Undoing): Promise<number> {
    const { batches, connection } = sourcesOf(undoing, await this.undos());
    const ofBatches = await this.kernel.store.countOfBatches(customer.category, batches);
    return connection === undefined ? ofBatches : ofBatches + (await this.connections.count(connection));
  }

  /** All that was ever taken back, or is about to be. */
  async undos(): Promise<Undo[]> {
    await this.kernel.viewsHold([batchList], await this.kernel.feed().head(), longestWait);
    return this.batches.undos();
  }

  async #pageOfBatches(batchIds: readonly string[], after: number): Promise<Page> {
    const places = await this.kernel.store.streamsOfBatches(customer.category, batchIds, after, pageSize);
    const last = String(places.at(-1)?.position ?? after);
    return {
      records: [...new Set(places.map(({ id }) => id))],
      done: places.length,
      last,
      next: places.length < pageSize ? null : last,
    };
  }

  async #pageOfConnection(connectionId: string, after: string): Promise<Page> {
    if (after === firstId) await this.connections.upToNow();
    const records = await this.connections.after(connectionId, after, pageSize);
    const last = records.at(-1) ?? after;
    return { records, done: records.length, last, next: records.length < pageSize ? null : last };
  }
}

function sourcesOf(undoing: Undoing, undos: readonly Undo[]) {
  const whole = wholeOf(undoing, undos);
  return {
    batches: whole.flatMap(({ undoes }) => undoes ?? []),
    connection: whole.at(-1)?.undoesConnection ?? undefined,
  };
}
