import { Injectable } from '@nestjs/common';
import { Commands, Refusal, conflict, currentContext, runInContext } from '@throughline/event-sourcing';
import { withChosen } from '../field/choices.ts';
import type { Links } from '../customer/customer-links.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { claimedByRules } from '../customer/reserved-values.ts';
import type { Guarded } from '../duplicates/guarded-customers.store.ts';
import { warningsIn } from './import-duplicates.store.ts';
import type { Import } from './import.ts';
import { customOf, linksIn, type CheckedOutcome, type PlannedRow } from './planned-row.ts';
import { rowErrorsOf } from './row-errors.ts';

/** What rows are held against: their records, and the rules as they would be. */
export type Beside = {
  states: ReadonlyMap<string, { state: Customer }>;
  decidedBy: CustomerRules;
};

/** Decides over planned rows as their import would, and changes nothing. */
@Injectable()
export class ImportOutcomes {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly current: CurrentRules,
  ) {}

  async beside(planned: readonly PlannedRow[], { mapping }: Pick<Import, 'mapping'>): Promise<Beside> {
    const ids = planned.flatMap((row) => (row.fate === 'command' && row.isThere ? [row.id] : []));
    const states = await this.commands.loadMany(customer, ids);
    const { rules } = await this.current.read();
    const isOpen = mapping?.createMissingOptions === true;
    const decidedBy = isOpen ? { ...rules, fieldSet: withChosen(rules.fieldSet, customOf(planned)) } : rules;
    return { states, decidedBy };
  }

  /** @param guarded what the duplicate rules say of it */
  async of(row: PlannedRow, beside: Beside, guarded?: Guarded): Promise<CheckedOutcome> {
    if ('errors' in row) {
      const isDuplicate = row.errors.some(({ code }) => code === 'duplicate-in-file');
      return { end: row.fate === 'failed' ? 'error' : isDuplicate ? 'duplicate' : 'skipped', errors: row.errors };
    }
    try {
      if (guarded?.verdict instanceof Refusal) throw guarded.verdict;
      const events = await this.#decided(row, beside);
      if (events.length === 0) return { end: 'unchanged', warnings: warningsIn(row, guarded) };
      await this.checkFree(row.id, claimedByRules(events.reduce(customer.evolve, customer.initial)));
      return { end: events[0]?.type === 'CustomerCreated' ? 'new' : 'update', warnings: warningsIn(row, guarded) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const end = error.code === 'customer-exists' ? 'skipped' : 'error';
      return { end, errors: rowErrorsOf(row.reading, error) };
    }
  }

  /** @throws Refusal `value-taken` where another customer holds one of the claims */
  async checkFree(id: string, claims: readonly string[]): Promise<void> {
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
    const commandWith = (named: Links) => ({ ...row.command, row: { ...row.command.row, ...named } });
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const state = states.get(id)?.state ?? customer.initial;
    const isMoved = row.isThere && links.parentId !== undefined;
    if (!isMoved && !state.into && state.members.length === 0) {
      return customer.decide(state, commandWith(linksIn(row)), context);
    }
    // Of companies that are still to be made nothing could be found there.
    return this.customers.decided(id, commandWith(links), rules.fieldSet);
  }
}
