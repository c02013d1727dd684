import { Injectable } from '@nestjs/common';
import type { BatchEvent, CustomerEvent, Recorded, RecordedOf } from '@throughline/contracts';
import {
  Commands,
  Refusal,
  conflict,
  eachOf,
  idOfNew,
  notFound,
  type Executed,
  type Item,
} from '@throughline/event-sourcing';
import { Jobs, itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { besideOthers, type Group, type Part } from '../customer/customer-group.ts';
import type { Above } from '../customer/customer-links.ts';
import { movesUp, parentUndone, undoneBelow } from '../customer/customer-undo-parent.ts';
import { undoOf, type Telling, type Undone } from '../customer/customer-undo.ts';
import { isOneOfSeveral } from '../customer/customer-state.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers, GroupChanged, type Ids } from '../customer/golden-customers.store.ts';
import { Merges } from '../merge/merges.store.ts';
import { BatchFailures, failureOf } from './batch-failures.store.ts';
import { batch, type Batch } from './batch.ts';
import { LeftBehind } from './left-behind.store.ts';
import { RecordUses } from './record-uses.store.ts';
import { UndoSources, type UndoPage } from './undo-sources.store.ts';
import { checkNotUndone, mergesUndone, type TellingOf, type Undoing } from './undoing.ts';

type Happened = RecordedOf<CustomerEvent>;
type Counts = { changed: number; archived: number; restored: number; unmerged: number; kept: number; failed: number };
type Place = { after: string; counts: Counts };

type Outcome = Exclude<keyof Counts, 'failed'>;

const undoChanges = { type: 'UndoChanges' } as const;
const atOnce = 32;
const none: Counts = { changed: 0, archived: 0, restored: 0, unmerged: 0, kept: 0, failed: 0 };

/** Takes back what a batch changed on records, or a connection said, but for what was changed since. */
@Injectable()
export class UndoBatch implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly merges: Merges,
    private readonly current: CurrentRules,
    private readonly sources: UndoSources,
    private readonly uses: RecordUses,
    private readonly left: LeftBehind,
    private readonly failures: BatchFailures,
    private readonly jobs: Jobs,
  ) {}

  /** Begins it as a batch of its own. @throws Refusal `batch-not-found`, `batch-running`, `batch-undone` */
  async start(batchId: string): Promise<Executed<Batch, BatchEvent>> {
    const { state, version } = await this.commands.load(batch, batchId);
    if (version === 0) throw notFound('batch-not-found');
    if (state.status !== 'done' && (await this.jobs.find(batchId))?.state !== 'stopped')
      throw conflict('batch-running');
    const id = idOfNew('batch');
    const undos = await this.sources.undos();
    // A repeat of the request that undid it gets the first answer.
    if (!undos.some((undo) => undo.id === id)) checkNotUndone(undos, batchId);
    return this.commands.execute(batch, id, { type: 'StartBatch', kind: 'undo', undoes: batchId });
  }

  async *run(job: JobAtWork<Undoing, Place>): AsyncIterable<JobStep<Place>> {
    const undoing = job.params;
    let { after, counts } = job.place ?? { after: '', counts: none };
    const total = await this.sources.total(undoing);
    for (let { done } = job, next: string | null = after; next !== null;) {
      const page: UndoPage = await this.sources.page(undoing, next);
      const ends = await this.#undoPage(job, page);
      counts = { ...counts };
      for (const end of ends.values()) counts[end instanceof Refusal ? 'failed' : end] += 1;
      const failed = [...new Set([...page.records, ...ends.keys()])].flatMap((id, index) => {
        const end = ends.get(id);
        return end instanceof Refusal ? [failureOf(done + index + 1, id, end)] : [];
      });
      await this.failures.add(job.id, failed);
      done += page.done;
      after = page.last;
      next = page.next;
      yield { place: { after, counts }, done, total, counts };
    }
    await this.commands.execute(batch, job.id, { type: 'FinishBatch', counts }, { commandId: itemId(job, 'finish') });
  }

  /**
   * Together, each on its events as they were loaded; one by one what has moved on since, or is to be taken apart. Companies that
   * get their parents back do so at the end, the last that was changed first: each of them is let in below what is there by then.
   */
  async #undoPage(
    job: Pick<JobAtWork, 'id'>,
    { records, telling, isFirst }: UndoPage,
  ): Promise<ReadonlyMap<string, Outcome | Refusal>> {
    const found = await this.commands.loadMany(customer, records);
    const loaded = new Map(
      [...found].filter(([id, { state, events }]) => isFirst(id, events) && !isOnlyAbsorbed(telling(state), events)),
    );
    const used = await this.uses.among(loaded, telling);
    const alone: string[] = [];
    const moved: string[] = [];
    const items: Item<CustomerCommand>[] = [];
    for (const [id, { state, events, version }] of [...loaded, ...(await this.left.by(loaded, telling))]) {
      const happened = events as Happened[];
      const told = telling(state);
      if (
        state.status === 'erased' ||
        happened.some((event) => event.type === 'CustomersMerged' && told.isUndone(event))
      ) {
        alone.push(id);
        continue;
      }
      const undone = undoOf(state, happened, told, used.has(id));
      if (movesUp(state, undone)) {
        moved.push(id);
      } else if (isOneOfSeveral(state)) {
        alone.push(id);
      } else {
        const command = { ...undoChanges, undone };
        // A repeat is told as one that went alone: by then the record holds what was undone.
        items.push({ id, command, commandId: itemId(job, id), body: undoChanges, version });
      }
    }
    const ends = new Map<string, Outcome | Refusal>();
    const outcomes = await this.commands.executeMany(customer, items, await this.current.read());
    for (const [index, outcome] of outcomes.entries()) {
      const { id } = items[index] as Item<CustomerCommand>;
      if (outcome.status === 'done') ends.set(id, endOf(outcome.executed.events));
      else if (outcome.status === 'elsewhere') alone.push(id);
      else if (outcome.refusal.code === 'too-busy') throw outcome.refusal;
      else ends.set(id, outcome.refusal);
    }
    await eachOf(alone, atOnce, async (id) => {
      ends.set(id, await this.#undo(job, telling, id, used.has(id)));
    });
    for (const id of moved.toReversed()) ends.set(id, await this.#undo(job, telling, id, used.has(id)));
    return ends;
  }

  async #undo(job: Pick<JobAtWork, 'id'>, telling: TellingOf, id: string, isUsed: boolean): Promise<Outcome | Refusal> {
    try {
      const stamped = await this.current.read();
      await this.#unmerge(job, telling, id);
      const undoneOf = (group: Group): Undone => {
        const { state, events } = recordIn(group, id);
        return undoOf(state, events, telling(state), isUsed);
      };
      // All companies above stand still while it is decided.
      let above: Above = { above: [] };
      const ids = async (): Promise<Ids> => {
        const group = await this.customers.group(id);
        above = await this.customers.above(parentUndone(group, id, undoneOf(group), new Date().toISOString()));
        return [id, ...above.above.map(([top]) => top.id)];
      };
      await this.customers.decide(
        ids,
        undoChanges,
        ([group, ...companies], context) => {
          const { state } = recordIn(group, id);
          if (state.status === 'erased') return new Map();
          const undone = undoneBelow(group, id, undoneOf(group), { ...above, above: companies }, context.now);
          if (!undone) throw new GroupChanged();
          const others = group.filter((part) => part.id !== id);
          const events = customer.decide(state, { ...undoChanges, undone }, context);
          return new Map([[id, events.map((event) => besideOthers(event, state, others))]]);
        },
        { target: id, commandId: itemId(job, id) },
        stamped,
      );
      const { events } = await this.commands.load(customer, id);
      return endOf((events as Happened[]).filter(({ meta }) => meta.batchId === job.id));
    } catch (error) {
      // An address that somebody else has by now, say: the others go on.
      if (!(error instanceof Refusal) || error.code === 'too-busy') throw error;
      return error;
    }
  }

  /** Takes apart what had been merged into a record. */
  async #unmerge(job: Pick<JobAtWork, 'id'>, telling: TellingOf, id: string): Promise<void> {
    const { state, events } = await this.commands.load(customer, id);
    for (const recordId of mergesUndone(telling(state), state, events as Happened[])) {
      const mergeId = itemId(job, `unmerge ${recordId}`);
      const command = { type: 'UnmergeCustomer', mergeId, recordId, move: [] } as const;
      await this.merges.unmerge(id, command, command, { target: id, commandId: mergeId });
    }
  }
}

/** It is taken out with the record that it was merged into. */
function isOnlyAbsorbed({ isUndone }: Telling, events: readonly Recorded[]): boolean {
  const undone = (events as Happened[]).filter(isUndone);
  return undone.length > 0 && undone.every(({ type }) => type === 'CustomerAbsorbed');
}

/** @throws GroupChanged where it was taken out while the group was read */
function recordIn(group: Group, id: string): Part {
  const found = group.find((part) => part.id === id);
  if (!found) throw new GroupChanged();
  return found;
}

const endBy = {
  CustomerArchived: 'archived',
  CustomerRestored: 'restored',
  CustomerDetailsChanged: 'changed',
  CustomersUnmerged: 'unmerged',
} as const satisfies { [T in CustomerEvent['type']]?: Outcome };

function endOf(events: readonly { type: CustomerEvent['type'] }[]): Outcome {
  const last = events.findLast(({ type }) => type in endBy);
  return last ? endBy[last.type as keyof typeof endBy] : 'kept';
}
