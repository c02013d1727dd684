import { Injectable } from '@nestjs/common';
import type { CustomerEvent } from '@throughline/contracts';
import {
  Commands,
  Elsewhere,
  Refusal,
  conflict,
  currentContext,
  eachOf,
  runInContext,
} from '@throughline/event-sourcing';
import { withChosen } from '../field/choices.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import type { Guarded } from '../duplicates/guarded-customers.store.ts';
import { warningsIn, type ComparedRows } from './import-duplicates.store.ts';
import type { Named } from './import-relations.ts';
import type { Import } from './import.ts';
import { customOf, linksIn, withLinks, type CheckedOutcome, type PlannedRow } from './planned-row.ts';
import { rowErrorsOf } from './row-errors.ts';

/** What rows are held against: their records, and the rules as they would be. */
export type Beside = {
  states: ReadonlyMap<string, { state: Customer }>;
  decidedBy: CustomerRules;
};

const atOnce = 16;

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

  /** Of each row by itself. @param compared what the duplicate rules say of them */
  async ofEach(rows: readonly PlannedRow[], beside: Beside, compared?: ComparedRows): Promise<CheckedOutcome[]> {
    const outcomes: CheckedOutcome[] = [];
    await eachOf(rows.entries(), atOnce, async ([index, row]) => {
      outcomes[index] = await this.#of(row, beside, compared?.get(row.line));
    });
    const held = await this.#holders(outcomes.flatMap(({ claims = [] }) => claims));
    await eachOf(rows.entries(), atOnce, async ([index, row]) => {
      const { claims = [] } = outcomes[index] as CheckedOutcome;
      const refusal = 'id' in row ? await this.#taken(row.id, claims, held) : undefined;
      if (refusal) outcomes[index] = { end: 'error', errors: rowErrorsOf(row.reading, refusal) };
    });
    return outcomes;
  }

  /** @throws Refusal `<what>-taken` where another customer holds one of the claims */
  async checkFree(id: string, claims: readonly string[]): Promise<void> {
    const refusal = await this.#taken(id, claims, await this.#holders(claims));
    if (refusal) throw refusal;
  }

  async #of(row: PlannedRow, beside: Beside, guarded: Guarded | undefined): Promise<CheckedOutcome> {
    if ('errors' in row) {
      const isDuplicate = row.errors.some(({ code }) => code === 'duplicate-in-file');
      return { end: row.fate === 'failed' ? 'error' : isDuplicate ? 'duplicate' : 'skipped', errors: row.errors };
    }
    try {
      if (guarded?.verdict instanceof Refusal) throw guarded.verdict;
      const events = await this.#decided(row, beside);
      const warnings = warningsIn(row, guarded);
      if (events.length === 0) return { end: 'unchanged', warnings };
      const end = events[0]?.type === 'CustomerCreated' ? 'new' : 'update';
      return { end, warnings, claims: claimsBroughtBy(events) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const end = error.code === 'customer-exists' ? 'skipped' : 'error';
      return { end, errors: rowErrorsOf(row.reading, error) };
    }
  }

  async #holders(claims: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return claims.length === 0 ? new Map() : this.commands.holdersOf(customer.category, claims);
  }

  /** @param held claim -> the record that has it */
  async #taken(id: string, claims: readonly string[], held: ReadonlyMap<string, string>): Promise<Refusal | undefined> {
    const others = claims.flatMap((claim) => {
      const holder = held.get(claim);
      return holder === undefined || holder === id ? [] : [{ what: claim.split(':', 1)[0], holder }];
    });
    if (others.length === 0) return undefined;
    const own = await this.customers.find(id);
    const taken = others.find(({ holder }) => !own?.some((part) => part.id === holder));
    return taken && conflict(`${taken.what}-taken`, { holder: taken.holder });
  }

  async #decided(row: Extract<PlannedRow, { fate: 'command' | 'edit' }>, { states, decidedBy: rules }: Beside) {
    if (row.fate === 'edit') {
      const { id, versions: ifMatch, links } = row;
      const changes = withLinks(row.changes, links);
      if (Object.keys(changes).length === 0) return [];
      return runInContext({ ...currentContext(), ifMatch }, () =>
        this.customers.decided(id, { type: 'ChangeCustomer', changes }, rules),
      );
    }
    const { id, links } = row;
    const commandWith = (named: Named) => ({ ...row.command, row: withLinks(row.command.row, named) });
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const state = states.get(id)?.state ?? customer.initial;
    const isMoved = row.isThere && links.parentId !== undefined;
    if (!isMoved && !state.into && state.members.length === 0) {
      try {
        return customer.decide(state, commandWith(linksIn(row)), context);
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error;
      }
    }
    // Of companies that are still to be made nothing could be found there.
    return this.customers.decided(id, commandWith(links), rules);
  }
}

/** What nobody else may have of what events say; without the number of a record that is still to get one. */
function claimsBroughtBy(events: readonly CustomerEvent[]): string[] {
  const brought = events.reduce(customer.evolve, customer.initial);
  return customer.claims?.({ ...brought, status: 'active' }).filter((claim) => claim !== 'number:') ?? [];
}
