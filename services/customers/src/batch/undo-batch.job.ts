import { Injectable } from '@nestjs/common';
import type { BatchEvent, CustomerEvent, RecordedOf } from '@throughline/contracts';
import { Commands, Refusal, conflict, eachOf, idOfNew, notFound, type Executed } from '@throughline/event-sourcing';
import { Jobs, Kernel, itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { unmergeRecord } from '../customer/customer-group.ts';
import { undoOf, type Undone } from '../customer/customer-undo.ts';
import { builtInRules, customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { batch, type Batch } from './batch.ts';

type Happened = RecordedOf<CustomerEvent>;
type Counts = { changed: number; archived: number; restored: number; unmerged: number; kept: number; failed: number };
/** Position of the batch's events up to which records are done. */
type Place = { position: number; counts: Counts };

export type UndoneRecord = { recordId: string; number: string } & Undone;

const pageSize = 500;
const atOnce = 32;
const none: Counts = { changed: 0, archived: 0, restored: 0, unmerged: 0, kept: 0, failed: 0 };

/** Takes back what a batch changed on records, but for what was changed since. */
@Injectable()
export class UndoBatch implements JobHandler {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly jobs: Jobs,
  ) {}

  /** Begins it as a batch of its own. @throws Refusal `batch-not-found`, `batch-running` */
  async start(batchId: string): Promise<Executed<Batch, BatchEvent>> {
    const { state, version } = await this.commands.load(batch, batchId);
    if (version === 0) throw notFound('batch-not-found');
    if (state.status !== 'done' && (await this.jobs.find(batchId))?.state !== 'stopped')
      throw conflict('batch-running');
    return this.commands.execute(batch, idOfNew('batch'), { type: 'StartBatch', kind: 'undo', undoes: batchId });
  }

  /** What it would do, a page of records at a time; `after` as the page before said. */
  async preview(batchId: string, after = 0): Promise<{ items: UndoneRecord[]; next: number | null }> {
    const page = await this.#page(batchId, after);
    const items: UndoneRecord[] = [];
    for (const id of page.records) {
      const { state, events } = await this.commands.load(customer, id);
      items.push({ recordId: id, number: state.number, ...undoOf(events as Happened[], isOf(batchId)) });
    }
    return { items, next: page.next };
  }

  async *run(job: JobAtWork<{ undoes: string }, Place>): AsyncIterable<JobStep<Place>> {
    const { undoes } = job.params;
    let { position, counts } = job.place ?? { position: 0, counts: none };
    const total = await this.kernel.store.countOfBatch(customer.category, undoes);
    for (let { done } = job, next: number | null = position; next !== null;) {
      const page = await this.#page(undoes, next);
      const outcomes: (keyof Counts)[] = [];
      await eachOf(page.records, atOnce, async (id) => {
        outcomes.push(await this.#undo(job, undoes, id));
      });
      counts = { ...counts };
      for (const outcome of outcomes) counts[outcome] += 1;
      done += page.events;
      position = page.last;
      next = page.next;
      yield { place: { position, counts }, done, total, counts };
    }
    await this.commands.execute(batch, job.id, { type: 'FinishBatch', counts }, { commandId: itemId(job, 'finish') });
  }

  /** The records of the next of the batch's events. */
  async #page(batchId: string, after: number) {
    const places = await this.kernel.store.streamsOfBatch(customer.category, batchId, after, pageSize);
    const last = places.at(-1)?.position ?? after;
    return {
      records: [...new Set(places.map(({ id }) => id))],
      events: places.length,
      last,
      next: places.length < pageSize ? null : last,
    };
  }

  async #undo(job: JobAtWork, batchId: string, id: string): Promise<keyof Counts> {
    try {
      const isUnmerged = await this.#unmerge(job, batchId, id);
      let undone: Undone = { fields: {}, record: null, kept: [] };
      const { streams } = await this.commands.executeAcross(
        customer,
        [id],
        { type: 'UndoChanges' },
        ([state], [events]) => {
          if (!state || state.status === 'erased') return [[]];
          undone = undoOf(events as readonly Happened[], isOf(batchId));
          const context = { now: new Date().toISOString(), entry: 'person', rules: builtInRules } as const;
          return [customer.decide(state, { type: 'UndoChanges', undone }, context)];
        },
        { commandId: itemId(job, id), rules: builtInRules },
      );
      if (streams.length > 0 && undone.record) return undone.record === 'archive' ? 'archived' : 'restored';
      if (streams.length > 0) return 'changed';
      return isUnmerged ? 'unmerged' : 'kept';
    } catch (error) {
      // An address that somebody else has by now, say: the others go on.
      if (!(error instanceof Refusal) || error.code === 'too-busy') throw error;
      return 'failed';
    }
  }

  /** Takes apart what the batch had merged into a record. */
  async #unmerge(job: JobAtWork, batchId: string, id: string): Promise<boolean> {
    const { state, events } = await this.commands.load(customer, id);
    const merged = (events as Happened[]).flatMap((event) =>
      event.type === 'CustomersMerged' && isOf(batchId)(event) ? event.data.absorbed : [],
    );
    const members = merged.filter((recordId) => state.members.includes(recordId));
    for (const recordId of members) {
      const mergeId = itemId(job, `unmerge ${recordId}`);
      const command = { type: 'UnmergeCustomer', mergeId, recordId, move: [] } as const;
      await this.customers.decide([id], command, ([group]) => unmergeRecord(group, command), {
        target: id,
        commandId: mergeId,
      });
    }
    return members.length > 0;
  }
}

const isOf =
  (batchId: string) =>
  ({ meta }: Happened): boolean =>
    meta.batchId === batchId;
