import { Injectable } from '@nestjs/common';
import { Commands, Refusal, currentContext, eachOf, runInContext, type ItemOutcome } from '@throughline/event-sourcing';
import { itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import type { CustomerEvent, Recorded } from '@throughline/contracts';
import type { BulkChange } from '../customer/customer-bulk.ts';
import { hasLinks, linksOf } from '../customer/customer-links.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import type { Customer } from '../customer/customer-state.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { GoldenCustomers, withDuplicates, type RulesInForce } from '../customer/golden-customers.store.ts';
import { GuardedCustomers } from '../duplicates/guarded-customers.store.ts';
import { BatchFailures, failureOf, type BatchFailure } from './batch-failures.store.ts';
import { batch } from './batch.ts';
import { BulkPreviews } from './bulk-change.preview.ts';
import { Selections, type Selected } from './selections.store.ts';

/** `changed`, `unchanged`, `failed`, and each code of a refusal. */
type Counts = Readonly<Record<string, number>>;
type Place = { place: number; counts: Counts };
type Outcome = 'changed' | 'unchanged' | Refusal;

/** Records that a step is about: a few batches of commands, so that one is written while the next is decided. */
const together = 5_000;
/** Of those that are carried out alone. */
const atOnce = 16;
const none: Counts = { changed: 0, unchanged: 0, failed: 0 };

/** Makes one change on every record of the selection that has the batch's id. */
@Injectable()
export class ChangeInBulk implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly guarded: GuardedCustomers,
    private readonly previews: BulkPreviews,
    private readonly current: CurrentRules,
    private readonly selections: Selections,
    private readonly failures: BatchFailures,
  ) {}

  async *run(job: JobAtWork<{ change: BulkChange }, Place>): AsyncIterable<JobStep<Place>> {
    const { change } = job.params;
    const total = await this.selections.count(job.id);
    let { place, counts } = job.place ?? { place: 0, counts: none };
    for (;;) {
      const selected = await this.selections.after(job.id, place, together);
      const last = selected.at(-1);
      if (!last) break;
      const outcomes = await this.#change(job, change, selected);
      const failed = selected.flatMap(({ place: at, recordId }, index): BatchFailure[] => {
        const outcome = outcomes[index];
        return outcome instanceof Refusal ? [failureOf(at, recordId, outcome)] : [];
      });
      await this.failures.add(job.id, failed);
      place = last.place;
      counts = counted(counts, outcomes);
      yield { place: { place, counts }, done: place, total, counts };
    }
    await this.commands.execute(batch, job.id, { type: 'FinishBatch', counts }, { commandId: itemId(job, 'finish') });
    await this.selections.empty(job.id);
  }

  async #change(job: Pick<JobAtWork, 'id'>, change: BulkChange, selected: readonly Selected[]): Promise<Outcome[]> {
    const command: CustomerCommand = { type: 'ChangeInBulk', change };
    const inForce = await this.guarded.rules();
    const ids = selected.map(({ recordId }) => recordId);
    const ends = new Map<string, Outcome>(await this.previews.heldUp(ids, change, inForce));
    const free = ids.filter((id) => !ends.has(id));
    // Who may be named depends on the customer that names them.
    const outcomes = hasLinks(linksOf(command)) ? [] : await this.#changeTogether(job, command, free, inForce);
    await eachOf([...free.entries()], atOnce, async ([index, id]) => {
      ends.set(id, outcomes[index] ?? (await this.#changeAlone(job, command, id, inForce)));
    });
    return ids.map((id) => ends.get(id) as Outcome);
  }

  async #changeTogether(
    job: Pick<JobAtWork, 'id'>,
    command: CustomerCommand,
    ids: readonly string[],
    inForce: RulesInForce,
  ): Promise<(Outcome | undefined)[]> {
    const items = ids.map((id) => ({ id, command, commandId: itemId(job, id) }));
    const rules = withDuplicates(await this.current.read(), inForce);
    return (await this.commands.executeMany(customer, items, rules)).map(outcomeOf);
  }

  /** Of a customer of several records, or whose links, or who names it, are to be checked. */
  async #changeAlone(
    job: Pick<JobAtWork, 'id'>,
    command: CustomerCommand,
    id: string,
    inForce: RulesInForce,
  ): Promise<Outcome> {
    const commandId = itemId(job, id);
    try {
      await runInContext({ ...currentContext(), commandId }, () =>
        this.customers.execute(id, command, undefined, inForce),
      );
      const group = await this.customers.group(id);
      const isOurs = ({ meta }: Recorded) => meta.commandId.endsWith(`/${commandId}`);
      const isChanged = group.some(({ events }) => events.some(isOurs));
      return isChanged ? 'changed' : 'unchanged';
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'too-busy') throw error;
      return error;
    }
  }
}

/** Undefined where it is to be carried out on the whole group. */
function outcomeOf(outcome: ItemOutcome<Customer, CustomerEvent>): Outcome | undefined {
  switch (outcome.status) {
    case 'done':
      return outcome.executed.events.length > 0 ? 'changed' : 'unchanged';
    case 'refused':
      // Not what it says about this record, but that there was no getting through: the job tries again.
      if (outcome.refusal.code === 'too-busy') throw outcome.refusal;
      return outcome.refusal;
    case 'elsewhere':
      return undefined;
  }
}

function counted(before: Counts, outcomes: readonly Outcome[]): Counts {
  const counts: Record<string, number> = { ...before };
  for (const outcome of outcomes) {
    for (const name of outcome instanceof Refusal ? ['failed', outcome.code] : [outcome]) {
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}
