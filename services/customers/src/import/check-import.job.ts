import { Injectable } from '@nestjs/common';
import type { CustomerEvent } from '@throughline/contracts';
import { Commands, Refusal, conflict, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import type { JobAtWork, JobHandler, JobStep } from '@throughline/service';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { claimedByRules, customer, type Customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { CustomerKeys } from './customer-keys.view.ts';
import { ImportPlans, rowErrorsOf, type PlannedRow } from './import-plan.store.ts';
import type { RowError } from './import-row.ts';
import { ImportRows, type RejectedRow } from './import-rows.store.ts';
import { importing } from './import.ts';

/** What the rows would come to; `formulas` counts cells that would be taken as what they came to when the file was saved. */
const none = { read: 0, new: 0, update: 0, unchanged: 0, duplicate: 0, skipped: 0, error: 0, formulas: 0 };
type Counts = typeof none;
type End = Exclude<keyof Counts, 'read' | 'formulas'>;
type Outcome = { end: End; errors?: readonly RowError[] };
type States = ReadonlyMap<string, { state: Customer }>;
type Place = { line: number; total: number; counts: Counts; kept: number };

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
  ) {}

  async *run(
    job: JobAtWork<{ importId: string; version: number }, Place>,
    signal: AbortSignal,
  ): AsyncIterable<JobStep<Place>> {
    const { importId, version } = job.params;
    const { state } = await this.commands.load(importing, importId, { version });
    let place = job.place ?? { line: 0, total: await this.plans.count(state), counts: none, kept: 0 };
    yield step(place);
    await this.keys.caughtUp(signal);
    for await (const { rows, line } of this.plans.plan(importId, job.id, state, place.line)) {
      const outcomes: Outcome[] = [];
      const ids = rows.flatMap((row) => (row.fate === 'command' && row.isThere ? [row.id] : []));
      const states = await this.commands.loadMany(customer, ids);
      await eachOf(rows.entries(), atOnce, async ([index, row]) => {
        outcomes[index] = await this.#outcome(row, states);
      });
      const wrong = rows.flatMap(({ line: at, cells }, index): RejectedRow[] => {
        const errors = outcomes[index]?.errors;
        return errors ? [{ line: at, cells, errors }] : [];
      });
      const shown = wrong.slice(0, mostShown - place.kept);
      await this.rows.reject(job.id, shown);
      const counts = { ...place.counts, read: place.counts.read + rows.length };
      for (const { end } of outcomes) counts[end] += 1;
      for (const { reading } of rows) counts.formulas += reading.formulas;
      place = { ...place, line, counts, kept: place.kept + shown.length };
      yield step(place);
    }
    await this.rows.forgetKeys(job.id);
  }

  async #outcome(row: PlannedRow, states: States): Promise<Outcome> {
    if ('errors' in row) {
      const isDuplicate = row.errors.some(({ code }) => code === 'duplicate-in-file');
      return { end: row.fate === 'failed' ? 'error' : isDuplicate ? 'duplicate' : 'skipped', errors: row.errors };
    }
    try {
      const events = await this.#decided(row, states);
      if (events.length === 0) return { end: 'unchanged' };
      await this.#checkClaims(row.id, events);
      return { end: events[0]?.type === 'CustomerCreated' ? 'new' : 'update' };
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

  async #decided(row: Extract<PlannedRow, { fate: 'command' | 'edit' }>, states: States) {
    if (row.fate === 'edit') {
      const { id, versions: ifMatch, changes } = row;
      if (Object.keys(changes).length === 0) return [];
      return runInContext({ ...currentContext(), ifMatch }, () =>
        this.customers.decided(id, { type: 'ChangeCustomer', changes }),
      );
    }
    const { id, command } = row;
    const { rules } = await this.current.recent();
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const state = states.get(id)?.state ?? customer.initial;
    if (!state.into && state.members.length === 0) return customer.decide(state, command, context);
    return this.customers.decided(id, command);
  }
}

const step = (place: Place): JobStep<Place> => ({
  place,
  done: place.counts.read,
  total: place.total,
  counts: place.counts,
});
