import { Injectable } from '@nestjs/common';
import { Commands, Elsewhere, Refusal, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import { itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { batch } from '../batch/batch.ts';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import { deepest } from '../customer/customer-links.ts';
import { CurrentRules, type StampedRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers, withDuplicates, type RulesInForce } from '../customer/golden-customers.store.ts';
import { optionsChosen } from '../field/choices.ts';
import { fieldSet, fieldSetId } from '../field/field-set.ts';
import { CustomerKeys } from './customer-keys.view.ts';
import { ImportCompanies } from './import-companies.store.ts';
import { ImportDuplicates, isFound, rowsWith, warningsIn, type ComparedRows } from './import-duplicates.store.ts';
import { ImportPlans } from './import-plan.store.ts';
import type { RowError } from './import-row.ts';
import { ImportRows } from './import-rows.store.ts';
import { importing, type Import } from './import.ts';
import { customOf, linksIn, movesInHierarchy, withLinks, type PlannedRow } from './planned-row.ts';
import { rowErrorsOf } from './row-errors.ts';

/** Every row that was read came to one of these ends. */
const ends = { created: 0, updated: 0, unchanged: 0, skipped: 0, failed: 0 };
/** `possibleDuplicate`: of whichever end, a duplicate rule found a customer that they may be about. */
const none = { read: 0, ...ends, possibleDuplicate: 0 };
type Counts = typeof none;
type End = keyof typeof ends;
type Outcome = { end: End; errors?: readonly RowError[] | undefined; warnings?: readonly RowError[] | undefined };
/** `refusal`: what a command was refused with. */
type Carried = Outcome & { refusal?: Refusal };
/** What rows are decided by, and what the duplicate rules have them reserve. */
type Stamped = { current: StampedRules; inForce: RulesInForce };
/** `waited`: how many rows waited for this round; the first one has none. */
type Place = { line: number; total: number; counts: Counts; round?: number; waited?: number; isLast?: boolean };
type CommandRow = Extract<PlannedRow, { fate: 'command' }>;
type EditRow = Extract<PlannedRow, { fate: 'edit' }>;

const atOnce = 16;
/** Nobody's companies are nested deeper; who names each other in longer chains is told so. */
const mostRounds = deepest;

/** Imports the rows of a file, each for itself; killed at any line it goes on where it was, and makes nothing twice. */
@Injectable()
export class RunImport implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly keys: CustomerKeys,
    private readonly plans: ImportPlans,
    private readonly rows: ImportRows,
    private readonly numbers: CustomerNumbers,
    private readonly current: CurrentRules,
    private readonly duplicates: ImportDuplicates,
    private readonly companies: ImportCompanies,
  ) {}

  async *run(job: JobAtWork<unknown, Place>, signal: AbortSignal): AsyncIterable<JobStep<Place>> {
    const { state } = await this.commands.load(importing, job.id);
    let place = job.place ?? { line: 0, total: await this.plans.survey(job.id, state), counts: none };
    yield step(place);
    for (;;) {
      for await (place of this.#round(job, state, place, signal)) yield step(place);
      const { round = 1 } = place;
      const waited = await this.rows.waiting(job.id, round + 1);
      if (waited === 0) break;
      // Where no row went ahead in the last round, none will in the next one either.
      const isLast = waited === place.waited || round + 1 === mostRounds;
      place = { ...place, line: 0, round: round + 1, waited, isLast };
      yield step(place);
    }
    const { counts } = place;
    await this.commands.execute(batch, job.id, { type: 'FinishBatch', counts }, { commandId: itemId(job, 'finish') });
    await this.rows.forgetKeys(job.id);
  }

  /** Goes once through the file; rows that name the record of another one may wait for the next round. */
  async *#round(job: JobAtWork, state: Import, from: Place, signal: AbortSignal): AsyncGenerator<Place> {
    let place = from;
    const { round: number = 1, isLast = false } = place;
    await this.keys.caughtUp(signal);
    const planning = { importId: job.id, jobId: job.id, round: { number, isLast } };
    for await (const { rows, waiting, line } of this.plans.plan(planning, state, place.line)) {
      await this.rows.wait(job.id, number + 1, waiting);
      place = { ...place, line };
      if (rows.length === 0) {
        yield place;
        continue;
      }
      if (state.mapping?.createMissingOptions) await this.#defineOptions(rows);
      const current = await this.current.read();
      const asking = { passesAs: state.passesAs, decidedBy: current.rules, signal };
      const { rules, compared } = await this.duplicates.compare(job, rows, asking);
      const outcomes = await this.#carryOut(job, rows, { current, inForce: rules }, compared);
      await this.rows.reject(job.id, rowsWith(rows, outcomes, 'errors'));
      await this.rows.warn(job.id, rowsWith(rows, outcomes, 'warnings'));
      const counts = { ...none, ...place.counts, read: place.counts.read + rows.length };
      for (const { end } of outcomes) counts[end] += 1;
      counts.possibleDuplicate += rows.filter(({ line }, index) => isFound(compared.get(line), outcomes[index])).length;
      place = { ...place, counts };
      yield place;
    }
  }

  /** What rows choose becomes an option of its field, for good: undoing the import leaves it. */
  async #defineOptions(rows: readonly PlannedRow[]): Promise<void> {
    const { rules } = await this.current.read();
    for (const command of optionsChosen(rules.fieldSet, customOf(rows))) {
      await this.commands.execute(fieldSet, fieldSetId('customer'), command);
    }
  }

  /** Those that the duplicate rules hold up are not carried out; of the others, what may be the same is queued. */
  async #carryOut(
    job: JobAtWork,
    rows: readonly PlannedRow[],
    stamped: Stamped,
    compared: ComparedRows,
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const free: PlannedRow[] = [];
    const places: number[] = [];
    rows.forEach((row, index) => {
      const verdict = compared.get(row.line)?.verdict;
      if (verdict instanceof Refusal) outcomes[index] = { end: 'failed', errors: rowErrorsOf(row.reading, verdict) };
      else places[free.push(row) - 1] = index;
    });
    const { current, inForce } = stamped;
    const sound = await this.companies.carryOut(job, free, withDuplicates(current, inForce), inForce);
    const carriedOut = await this.#carryOutFree(job, sound, stamped);
    await eachOf(free.entries(), atOnce, async ([at, row]) => {
      const { refusal, ...outcome } = carriedOut[at] as Carried;
      const guarded = compared.get(row.line);
      const isTaken = outcome.end === 'created' || outcome.end === 'updated';
      if (guarded && isTaken) await this.duplicates.queue(guarded);
      outcomes[places[at] as number] = {
        ...outcome,
        errors: refusal ? rowErrorsOf(row.reading, await this.duplicates.found(refusal, guarded)) : outcome.errors,
        warnings: isTaken || outcome.end === 'unchanged' ? warningsIn(row, guarded) : undefined,
      };
    });
    return outcomes;
  }

  async #carryOutFree(job: JobAtWork, rows: readonly PlannedRow[], stamped: Stamped): Promise<Carried[]> {
    const outcomes: Carried[] = [];
    const single: { row: CommandRow; index: number }[] = [];
    const grouped: { row: CommandRow; index: number }[] = [];
    const edits: { row: EditRow; index: number }[] = [];
    rows.forEach((row, index) => {
      if (row.fate === 'edit') edits.push({ row, index });
      else if (row.fate !== 'command') outcomes[index] = { end: row.fate, errors: row.errors };
      else (row.isGrouped || movesInHierarchy(row) ? grouped : single).push({ row, index });
    });
    const items = await Promise.all(single.map(({ row }) => this.#item(job, row)));
    const { current, inForce } = stamped;
    const rules = withDuplicates(current, inForce);
    const done = await this.commands.executeMany(customer, items, rules);
    single.forEach(({ row, index }, at) => {
      const outcome = done[at];
      if (outcome?.status === 'done') outcomes[index] = { end: endOf(outcome.executed.events) };
      else if (outcome?.status === 'refused' && outcome.refusal.code !== 'too-busy') {
        outcomes[index] = refused(outcome.refusal);
      } else grouped.push({ row, index });
    });
    await eachOf(grouped, atOnce, async ({ row, index }) => {
      outcomes[index] = await this.#carryOutAlone(job, row, stamped);
    });
    await eachOf(edits, atOnce, async ({ row, index }) => {
      outcomes[index] = await this.#edit(job, row, inForce);
    });
    return outcomes;
  }

  /** A number that is given out here is not part of what is asked: a repeat would bring another one. */
  async #item(job: JobAtWork, row: CommandRow) {
    const { id, line, command: given, isThere, occurredAt } = row;
    const number = given.number || (isThere ? '' : await this.numbers.next());
    const command = { ...given, number, row: withLinks(given.row, linksIn(row)) };
    const body = asAsked(row, given);
    return { id, command, commandId: itemId(job, line), body, ...(occurredAt !== undefined && { occurredAt }) };
  }

  /** On a customer of one record or of several. */
  async #carryOutAlone(job: JobAtWork, row: CommandRow, { current, inForce }: Stamped): Promise<Carried> {
    const { id, command, commandId, body, ...options } = await this.#item(job, row);
    try {
      try {
        if (movesInHierarchy(row)) throw new Elsewhere();
        const rules = withDuplicates(current, inForce);
        const { events } = await this.commands.execute(customer, id, command, {
          ...options,
          ...rules,
          commandId,
          body,
        });
        return { end: endOf(events) };
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error;
      }
      await runInContext({ ...currentContext(), commandId }, () => this.customers.execute(id, command, body, inForce));
      return { end: await this.#endOf(id, commandId) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refused(error);
    }
  }

  /** Refused where somebody else changed the same fields since they were exported. */
  async #edit(job: JobAtWork, row: EditRow, inForce: RulesInForce): Promise<Carried> {
    const { id, line, versions: ifMatch } = row;
    const changes = withLinks(row.changes, linksIn(row));
    if (Object.keys(changes).length === 0) return { end: 'unchanged' };
    const commandId = itemId(job, line);
    const { relations } = row.reading;
    const body = relations.length > 0 ? { changes: row.changes, relations } : undefined;
    try {
      await runInContext({ ...currentContext(), commandId, ifMatch }, () =>
        this.customers.execute(id, { type: 'ChangeCustomer', changes }, body, inForce),
      );
      return { end: await this.#endOf(id, commandId) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refused(error);
    }
  }

  /** Whether a command made or changed any of the customer's records, now or before a kill. */
  async #endOf(id: string, commandId: string): Promise<End> {
    const group = await this.customers.group(id);
    const first = group.map(({ events }) => events.findIndex(({ meta }) => meta.commandId.endsWith(`/${commandId}`)));
    if (first.includes(0)) return 'created';
    return first.some((index) => index > 0) ? 'updated' : 'unchanged';
  }
}

const step = (place: Place): JobStep<Place> => ({
  place,
  done: place.counts.read,
  total: place.total,
  counts: place.counts,
});

/** What a repeat is told by: whom the row names, not whom was found by it. */
const asAsked = ({ reading: { relations } }: CommandRow, given: CommandRow['command']) =>
  relations.length > 0 ? { ...given, relations } : given;

const endOf = (events: readonly { type: string }[]): End => {
  if (events.length === 0) return 'unchanged';
  return events[0]?.type === 'CustomerCreated' ? 'created' : 'updated';
};

/** In mode `create`, what is there already is none of its business. */
const refused = (refusal: Refusal): Carried => ({
  end: refusal.code === 'customer-exists' ? 'skipped' : 'failed',
  refusal,
});
