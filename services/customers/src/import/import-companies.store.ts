import { Injectable } from '@nestjs/common';
import { Commands, Refusal, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import { itemId, type JobAtWork } from '@throughline/service';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import type { StampedRules } from '../customer/customer-rules.store.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { GoldenCustomers, type RulesInForce } from '../customer/golden-customers.store.ts';
import { companyItem, type MissingCompany } from './import-relations.ts';
import type { PlannedRow } from './planned-row.ts';
import { relationError } from './row-errors.ts';

/** Company -> why it cannot be made. */
export type NotMade = ReadonlyMap<string, Refusal>;

const atOnce = 16;

/** Makes the companies that rows name where there are none. */
@Injectable()
export class ImportCompanies {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly numbers: CustomerNumbers,
  ) {}

  /** Each once in an import, however many rows name it; an archived one comes back. */
  async make(
    job: Pick<JobAtWork, 'id'>,
    rows: readonly PlannedRow[],
    stamped: StampedRules,
    inForce: RulesInForce,
  ): Promise<NotMade> {
    const missing = missingIn(rows);
    const items = await Promise.all(
      missing.map(async (company) => ({
        id: company.id,
        command: commandOf(company, await this.numbers.next()),
        commandId: itemId(job, companyItem(company.id)),
        // Another row may spell its name in another way.
        body: { company: company.id },
      })),
    );
    const outcomes = await this.commands.executeMany(customer, items, stamped);
    const notMade = new Map<string, Refusal>();
    await eachOf(items.entries(), atOnce, async ([index, { id, command, commandId, body }]) => {
      const outcome = outcomes[index];
      if (outcome?.status === 'refused') {
        if (outcome.refusal.code === 'too-busy') throw outcome.refusal;
        notMade.set(id, outcome.refusal);
      } else if (outcome?.status === 'elsewhere') {
        await runInContext({ ...currentContext(), commandId }, () =>
          this.customers.execute(id, command, body, inForce),
        );
      }
    });
    return notMade;
  }

  /** As `make`, without doing it. */
  async check(rows: readonly PlannedRow[], rules: CustomerRules): Promise<NotMade> {
    const missing = missingIn(rows);
    const states = await this.commands.loadMany(
      customer,
      missing.map(({ id }) => id),
    );
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const notMade = new Map<string, Refusal>();
    for (const company of missing) {
      try {
        customer.decide(states.get(company.id)?.state ?? customer.initial, commandOf(company, ''), context);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        notMade.set(company.id, error);
      }
    }
    return notMade;
  }
}

const commandOf = ({ name }: MissingCompany, number: string): CustomerCommand => ({
  type: 'ImportCustomer',
  number,
  mode: 'both',
  row: { kind: 'company', name },
  // Of one that comes back nothing is changed.
  policies: { kind: 'never', name: 'never' },
});

const relationsOf = (row: PlannedRow): readonly MissingCompany[] =>
  row.fate === 'command' || row.fate === 'edit' ? row.missing : [];

/** Each once, as the first row spells it. */
function missingIn(rows: readonly PlannedRow[]): MissingCompany[] {
  const missing = new Map<string, MissingCompany>();
  for (const company of rows.flatMap(relationsOf)) if (!missing.has(company.id)) missing.set(company.id, company);
  return [...missing.values()];
}

/** A row whose company cannot be made is not carried out either. */
export function withoutNotMade(row: PlannedRow, notMade: NotMade): PlannedRow {
  const errors = relationsOf(row).flatMap(({ id, relation }) => {
    const refusal = notMade.get(id);
    if (!refusal) return [];
    const fields = refusal.errors.map(({ path }) => path).join(', ');
    return [relationError(relation, 'relation-not-made', { fields: fields || refusal.code })];
  });
  if (errors.length === 0) return row;
  const { line, cells, reading } = row;
  return { line, cells, reading, fate: 'failed', errors };
}
