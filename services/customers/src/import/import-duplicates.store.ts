import { Injectable } from '@nestjs/common';
import type { CustomerEvent, CustomerFields, Recorded } from '@throughline/contracts';
import { Commands, Refusal, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import { itemId, type JobAtWork } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { touchesCompared, type Intended, type RulesAsked } from '../duplicates/duplicate-check.store.ts';
import { compares } from '../duplicates/duplicate-rules.ts';
import { GuardedCustomers, type Guarded } from '../duplicates/guarded-customers.store.ts';
import { CustomerKeys } from './customer-keys.view.ts';
import type { RowError } from './import-row.ts';
import type { RejectedRow } from './import-rows.store.ts';
import { withLinks, type PlannedRow } from './planned-row.ts';
import { duplicateError } from './row-errors.ts';

/** Line -> what the duplicate rules say of its row; nothing of a row that changes nothing they look at. */
export type ComparedRows = ReadonlyMap<number, Guarded>;

type Asking = { passesAs: readonly string[] | undefined; decidedBy: CustomerRules; signal: AbortSignal };
type Told = Extract<PlannedRow, { fate: 'command' | 'edit' }>;

const atOnce = 16;

/** Holds the rows of a file against the duplicate rules, a piece of it at a time. */
@Injectable()
export class ImportDuplicates {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly guarded: GuardedCustomers,
    private readonly keys: CustomerKeys,
  ) {}

  /**
   * Compares the rows with all that is recorded, also by the pieces before; not with each other.
   *
   * @param passesAs the roles of who asked to pass the rules
   * @param decidedBy what the rows will be decided by
   */
  async compare(
    job: Pick<JobAtWork, 'id'>,
    rows: readonly PlannedRow[],
    { passesAs, decidedBy, signal }: Asking,
  ): Promise<{ rules: RulesAsked; compared: ComparedRows }> {
    return runInContext({ ...currentContext(), roles: passesAs ?? [] }, async () => {
      const rules = await this.guarded.rules(passesAs !== undefined);
      if (!compares(rules.all)) return { rules, compared: new Map() };
      await this.keys.caughtUp(signal);
      const told = rows.filter((row) => row.fate === 'command' || row.fate === 'edit');
      const intended = await this.#intended(job, told, { ...decidedBy, ...rules.rules });
      const guarded = await this.guarded.compareEach(intended, rules);
      const compared = told.flatMap(({ line }, index) => {
        const one = guarded[index];
        return one ? [[line, one] as const] : [];
      });
      return { rules, compared: new Map(compared) };
    });
  }

  /** The refusal of a row as it is to be told: who has a value that a rule reserves may be the same customer. */
  async found(refusal: Refusal, guarded: Guarded | undefined): Promise<Refusal> {
    return guarded ? ((await this.guarded.asFound(refusal, guarded.intended)) as Refusal) : refusal;
  }

  /** Queues what may be the same as a row that was taken. */
  async queue(guarded: Guarded): Promise<void> {
    const { id } = guarded.intended;
    const { version } = await this.customers.read(id);
    await this.guarded.queue(guarded, { id, version });
  }

  async #intended(job: Pick<JobAtWork, 'id'>, rows: readonly Told[], decidedBy: CustomerRules) {
    const states = await this.commands.loadMany(
      customer,
      rows.flatMap((row) => (row.fate === 'command' ? [row.id] : [])),
    );
    const settled = await this.commands.settled(rows.map(({ line }) => itemId(job, line)));
    const intended: (Intended | undefined)[] = [];
    await eachOf(rows.entries(), atOnce, async ([index, row]) => {
      const commandId = itemId(job, row.line);
      const { state = customer.initial, events = [] } = states.get(row.id) ?? {};
      const one = settled.has(commandId)
        ? asRecorded(row.id, state, events, commandId)
        : await this.#intendedBy(row, state, decidedBy);
      intended[index] = one && { ...one, id: row.id, commandId };
    });
    return intended;
  }

  async #intendedBy(row: Told, state: Customer, rules: CustomerRules): Promise<Omit<Intended, 'id'> | undefined> {
    const isOne = row.fate === 'command' && !state.into && state.members.length === 0;
    try {
      const events = isOne ? decidedOn(row, state, rules) : await this.#decided(row, rules);
      if (!events.some((event) => touchesCompared(event))) return undefined;
      const { id: goldenId, fields } = isOne
        ? { id: state.status === 'none' ? null : row.id, fields: state.details }
        : await this.customers.read(row.id);
      const after = Object.assign({}, fields, ...events) as CustomerFields;
      return { operation: goldenId === null ? 'create' : 'change', goldenId, fields: after };
    } catch (error) {
      // It is refused for another reason, and told so.
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** On a customer of several records, or as somebody edited it in a table. */
  #decided(row: Told, rules: CustomerRules): Promise<readonly CustomerEvent[]> {
    const { id } = row;
    if (row.fate === 'command') return this.customers.decided(id, commandIn(row), rules);
    const changes = withLinks(row.changes, row.links);
    return runInContext({ ...currentContext(), ifMatch: row.versions }, () =>
      this.customers.decided(id, { type: 'ChangeCustomer', changes }, rules),
    );
  }
}

/** What a row has come to before a kill, of which nobody has been told yet; undefined where it changed nothing. */
function asRecorded(
  goldenId: string,
  { details }: Customer,
  events: readonly Recorded[],
  commandId: string,
): Omit<Intended, 'id'> | undefined {
  const isOurs = ({ meta }: Recorded) => meta.commandId.endsWith(`/${commandId}`);
  const first = events.findIndex(isOurs);
  return first < 0 ? undefined : { operation: first === 0 ? 'create' : 'change', goldenId, fields: details };
}

const commandIn = ({ command, links }: Extract<Told, { fate: 'command' }>) => ({
  ...command,
  row: withLinks(command.row, links),
});

/** Whether it may become a person is asked where it is carried out. */
const decidedOn = (row: Extract<Told, { fate: 'command' }>, state: Customer, rules: CustomerRules) =>
  customer.decide(state, commandIn(row), {
    now: new Date().toISOString(),
    entry: currentContext().entry,
    rules: { ...rules, kindErrors: [] },
  });

const foundCodes = ['duplicate-found', 'duplicate-found-in-file'];

/** Whether a rule found anybody, whatever it did then: before the row was decided over, or by what the rule reserves. */
export const isFound = (guarded: Guarded | undefined, { errors = [] }: Rowwise = {}): boolean =>
  (guarded && (guarded.verdict instanceof Refusal || guarded.verdict.found.length > 0)) ||
  errors.some(({ code }) => foundCodes.includes(code));

/** What is to be said of a row that is taken: of whom it names, and what a rule warns of. */
export function warningsIn(row: PlannedRow, guarded: Guarded | undefined): readonly RowError[] | undefined {
  const said = row.fate === 'command' || row.fate === 'edit' ? row.warnings : [];
  const alike = !guarded || guarded.verdict instanceof Refusal ? [] : guarded.verdict.warnings;
  const warnings = [...said, ...(alike.length > 0 ? [duplicateError('possible-duplicate', alike)] : [])];
  return warnings.length > 0 ? warnings : undefined;
}

type Rowwise = { errors?: readonly RowError[] | undefined; warnings?: readonly RowError[] | undefined };

/** The rows that have errors, or warnings, as they are kept. */
export const rowsWith = (
  rows: readonly PlannedRow[],
  outcomes: readonly Rowwise[],
  what: keyof Rowwise,
): RejectedRow[] =>
  rows.flatMap(({ line, cells }, index) => {
    const errors = outcomes[index]?.[what];
    return errors ? [{ line, cells, errors }] : [];
  });
