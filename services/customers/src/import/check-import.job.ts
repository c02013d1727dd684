import { Injectable } from '@nestjs/common';
import type { CustomerEvent } from '@throughline/contracts';
import { Commands, Refusal, conflict, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import type { JobAtWork, JobHandler, JobStep } from '@throughline/service';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { withChosen } from '../field/choices.ts';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { claimedByRules } from '../customer/reserved-values.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import type { Guarded } from '../duplicates/guarded-customers.store.ts';
import { CustomerKeys } from './customer-keys.view.ts';
import { ImportCompanies, withoutNotMade } from './import-companies.store.ts';
import { ImportDuplicates, isFound, rowsWith, warningsIn } from './import-duplicates.store.ts';
import { ImportPlans } from './import-plan.store.ts';
import type { RowError } from './import-row.ts';
import { ImportRows } from './import-rows.store.ts';
import { importing } from './import.ts';
import { customOf, type PlannedRow } from './planned-row.ts';
import { rowErrorsOf } from './row-errors.ts';

const ends = { new: 0, update: 0, unchanged: 0, duplicate: 0, skipped: 0, error: 0 };
/**
 * What the rows would come to. Beside it, `possibleDuplicate` counts those of which a duplicate rule found a customer that
 * they may be about, and `formulas` cells that would be taken as what they came to when the file was saved.
 */
const none = { read: 0, ...ends, possibleDuplicate: 0, formulas: 0 };
type Counts = typeof none;
type End = keyof typeof ends;
type Outcome = { end: End; errors?: readonly RowError[] | undefined; warnings?: readonly RowError[] | undefined };
type States = ReadonlyMap<string, { state: Customer }>;
/** What a row is held against. */
type Beside = { states: States; decidedBy: CustomerRules; guarded: Guarded | undefined };
type Place = { line: number; total: number; counts: Counts; kept: number; warned?: number };

const atOnce = 16;
/** How many rows are shown with what is wrong with them. */
export const mostShown = 100;

/** Goes over a file as its import would, and changes nothing. */
@Injectable()
export class CheckImport implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly keys: CustomerKeys,
    private readonly plans: ImportPlans,
    private readonly rows: ImportRows,
    private readonly current: CurrentRules,
    private readonly duplicates: ImportDuplicates,
    private readonly companies: ImportCompanies,
  ) {}

  async *run(
    job: JobAtWork<{ importId: string; version: number; passesAs?: readonly string[] }, Place>,
    signal: AbortSignal,
  ): AsyncIterable<JobStep<Place>> {
    const { importId, version, passesAs } = job.params;
    const { state } = await this.commands.load(importing, importId, { version });
    let place = job.place ?? { line: 0, total: await this.plans.survey(job.id, state), counts: none, kept: 0 };
    yield step(place);
    await this.keys.caughtUp(signal);
    const planning = { importId, jobId: job.id, round: 'check' as const };
    for await (const { rows: planned, line } of this.plans.plan(planning, state, place.line)) {
      const outcomes: Outcome[] = [];
      const ids = planned.flatMap((row) => (row.fate === 'command' && row.isThere ? [row.id] : []));
      const states = await this.commands.loadMany(customer, ids);
      const { rules } = await this.current.read();
      const isOpen = state.mapping?.createMissingOptions === true;
      const decidedBy = isOpen ? { ...rules, fieldSet: withChosen(rules.fieldSet, customOf(planned)) } : rules;
      const notMade = await this.companies.check(planned, rules);
      const rows = planned.map((row) => withoutNotMade(row, notMade));
      const { compared } = await this.duplicates.compare(job, rows, { passesAs, decidedBy, signal });
      await eachOf(rows.entries(), atOnce, async ([index, row]) => {
        outcomes[index] = await this.#outcome(row, { states, decidedBy, guarded: compared.get(row.line) });
      });
      const shown = rowsWith(rows, outcomes, 'errors').slice(0, mostShown - place.kept);
      await this.rows.reject(job.id, shown);
      const warned = rowsWith(rows, outcomes, 'warnings').slice(0, mostShown - (place.warned ?? 0));
      await this.rows.warn(job.id, warned);
      const counts = { ...none, ...place.counts, read: place.counts.read + rows.length };
      for (const { end } of outcomes) counts[end] += 1;
      for (const { reading } of rows) counts.formulas += reading.formulas;
      counts.possibleDuplicate += [...compared.values()].filter(isFound).length;
      const kept = place.kept + shown.length;
      place = { ...place, line, counts, kept, warned: (place.warned ?? 0) + warned.length };
      yield step(place);
    }
    await this.rows.forgetKeys(job.id);
  }

  async #outcome(row: PlannedRow, beside: Beside): Promise<Outcome> {
    const { guarded } = beside;
    if ('errors' in row) {
      const isDuplicate = row.errors.some(({ code }) => code === 'duplicate-in-file');
      return { end: row.fate === 'failed' ? 'error' : isDuplicate ? 'duplicate' : 'skipped', errors: row.errors };
    }
    try {
      if (guarded?.verdict instanceof Refusal) throw guarded.verdict;
      const events = await this.#decided(row, beside);
      if (events.length === 0) return { end: 'unchanged', warnings: warningsIn(row, guarded) };
      await this.#checkClaims(row.id, events);
      return { end: events[0]?.type === 'CustomerCreated' ? 'new' : 'update', warnings: warningsIn(row, guarded) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const end = error.code === 'customer-exists' ? 'skipped' : 'error';
      return { end, errors: rowErrorsOf(row.reading, error) };
    }
  }

  /** @throws Refusal `value-taken` */
  async #checkClaims(id: string, events: readonly CustomerEvent[]): Promise<void> {
    const claims = claimedByRules(events.reduce(customer.evolve, customer.initial));
    if (claims.length === 0) return;
    const holders = await this.commands.holdersOf(customer.category, claims);
    const others = [...holders.values()].filter((holder) => holder !== id);
    const own = others.length > 0 ? await this.customers.find(id) : undefined;
    const holder = others.find((other) => !own?.some((part) => part.id === other));
    if (holder !== undefined) throw conflict('value-taken', { holder });
  }

  async #decided(row: Extract<PlannedRow, { fate: 'command' | 'edit' }>, { states, decidedBy: rules }: Beside) {
    if (row.fate === 'edit') {
      const { id, versions: ifMatch, links } = row;
      const changes = { ...row.changes, ...links };
      if (Object.keys(changes).length === 0) return [];
      return runInContext({ ...currentContext(), ifMatch }, () =>
        this.customers.decided(id, { type: 'ChangeCustomer', changes }, rules.fieldSet),
      );
    }
    const { id, links } = row;
    const command = { ...row.command, row: { ...row.command.row, ...links } };
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const state = states.get(id)?.state ?? customer.initial;
    const isMoved = row.isThere && links.parentId !== undefined;
    if (!isMoved && !state.into && state.members.length === 0) return customer.decide(state, command, context);
    return this.customers.decided(id, command, rules.fieldSet);
  }
}

const step = (place: Place): JobStep<Place> => ({
  place,
  done: place.counts.read,
  total: place.total,
  counts: place.counts,
});
