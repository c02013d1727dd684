import { Injectable } from '@nestjs/common';
import { Commands, Refusal, currentContext, eachOf, runInContext } from '@throughline/event-sourcing';
import { Kernel, itemId, type JobAtWork } from '@throughline/service';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import type { StampedRules } from '../customer/customer-rules.store.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers, type RulesInForce } from '../customer/golden-customers.store.ts';
import {
  companiesOf,
  companyCommand,
  companyTasks,
  madeOtherwise,
  withoutNotDone,
  type CompanyTask,
} from './import-company.ts';
import { ImportOutcomes, type Beside } from './import-outcomes.store.ts';
import { companyItem } from './import-relations.ts';
import { movesInHierarchy, type CheckedOutcome, type PlannedRow } from './planned-row.ts';

type Item = { task: CompanyTask; id: string; command: CustomerCommand; commandId: string; body: object };

const atOnce = 16;

/** Makes the companies that rows name where there are none, and has those that are there know what rows say of them. */
@Injectable()
export class ImportCompanies {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly numbers: CustomerNumbers,
    private readonly outcomes: ImportOutcomes,
  ) {}

  /**
   * In the order of the rows; what many of them say alike is done once in an import, what overwrites once in each piece, and again
   * after something else. An archived one comes back.
   *
   * @returns the rows as they are to be carried out
   */
  async carryOut(
    job: Pick<JobAtWork, 'id'>,
    rows: readonly PlannedRow[],
    stamped: StampedRules,
    inForce: RulesInForce,
  ): Promise<PlannedRow[]> {
    if (!rows.some(namesCompanies)) return [...rows];
    const taken = await this.#taken(rows, await this.outcomes.beside(rows.filter(isDecidedAlone), {}));
    const tasks = companyTasks(taken);
    const items = await this.#open(await this.#items(job, tasks));
    const outcomes = await this.commands.executeMany(customer, items, stamped);
    const notDone = new Map<string, Refusal>();
    const elsewhere: Item[] = [];
    items.forEach((item, index) => {
      const outcome = outcomes[index];
      if (outcome?.status === 'elsewhere') elsewhere.push(item);
      else if (outcome?.status === 'refused') notDone.set(item.task.key, unlessBusy(outcome.refusal));
    });
    await eachOf(Map.groupBy(elsewhere, ({ id }) => id).values(), atOnce, async (own) => {
      for (const { task, id, command, commandId, body } of own) {
        const refusal = await refusalOf(() =>
          runInContext({ ...currentContext(), commandId }, () => this.customers.execute(id, command, body, inForce)),
        );
        if (refusal) notDone.set(task.key, unlessBusy(refusal));
      }
    });
    const refused = tasks.filter(({ key }) => notDone.has(key)).map(({ company }) => company.id);
    const states = await this.commands.loadMany(customer, [...new Set(refused)]);
    for (const key of madeOtherwise(tasks, (id) => states.get(id)?.state.status === 'active')) notDone.delete(key);
    return taken.map((row) => withoutNotDone(row, notDone));
  }

  /** As `carryOut`, without doing it. */
  async check(rows: readonly PlannedRow[], beside: Beside): Promise<PlannedRow[]> {
    if (!rows.some(namesCompanies)) return [...rows];
    const taken = await this.#taken(rows, beside);
    const tasks = companyTasks(taken);
    const ids = tasks.map(({ company }) => company.id);
    const loaded = await this.commands.loadMany(customer, ids);
    const states = new Map([...loaded].map(([id, { state }]) => [id, state]));
    const { decidedBy: rules } = beside;
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const notDone = new Map<string, Refusal>();
    for (const task of tasks) {
      const { id } = task.company;
      const command = companyCommand(task, '');
      const before = states.get(id) ?? customer.initial;
      const refusal = await refusalOf(async () => {
        if (before.into || before.members.length > 0) return this.customers.decided(id, command, rules);
        const after = customer.decide(before, command, context).reduce(customer.evolve, before);
        const had = customer.claims?.(before) ?? [];
        const claims = (customer.claims?.(after) ?? []).filter((claim) => !had.includes(claim));
        await this.outcomes.checkFree(
          id,
          claims.filter((claim) => !claim.startsWith('number:')),
        );
        return states.set(id, after);
      });
      if (refusal) notDone.set(task.key, refusal);
    }
    for (const key of madeOtherwise(tasks, (id) => states.get(id)?.status === 'active')) notDone.delete(key);
    return taken.map((row) => withoutNotDone(row, notDone));
  }

  /** A row that will not be taken leaves its companies alone. */
  async #taken(rows: readonly PlannedRow[], beside: Beside): Promise<PlannedRow[]> {
    const alone = rows.filter(isDecidedAlone);
    const outcomes = await this.outcomes.ofEach(alone, beside);
    const left = new Set<PlannedRow>(alone.filter((_, index) => isLeft(outcomes[index])));
    return rows.map((row) => (isDecidedAlone(row) && left.has(row) ? { ...row, companies: [] } : row));
  }

  /** After a kill: what overwrites is not said any more where a later word on its company was. */
  async #open(items: readonly Item[]): Promise<Item[]> {
    const words = items.filter(({ task }) => task.line !== undefined);
    const settled = await this.commands.settled(words.map(({ commandId }) => commandId));
    const lastOf = new Map(
      words.flatMap(({ id, task, commandId }) => (settled.has(commandId) ? [[id, task.line]] : [])),
    );
    return items.filter(
      ({ id, commandId, task: { line } }) =>
        line === undefined || settled.has(commandId) || line >= (lastOf.get(id) ?? line),
    );
  }

  /** One that is to be made gets one number, whichever of its commands makes it. */
  async #items(job: Pick<JobAtWork, 'id'>, tasks: readonly CompanyTask[]): Promise<Item[]> {
    const missing = new Set(tasks.flatMap(({ company: { id, status } }) => (status === 'missing' ? [id] : [])));
    const numbers = new Map<string, string>();
    for (const id of missing) numbers.set(id, await this.numbers.next());
    return tasks.map((task) => {
      const { company, said, line } = task;
      const { id } = company;
      const word = said && this.kernel.secrets.hmac('import-ids', JSON.stringify(said));
      return {
        task,
        id,
        command: companyCommand(task, numbers.get(id) ?? ''),
        commandId: itemId(job, companyItem(id, line === undefined ? word : `${word} ${line}`)),
        // Another row may spell its name in another way.
        body: { company: id, ...said },
      };
    });
  }
}

const isLeft = (outcome: CheckedOutcome | undefined): boolean => outcome?.end === 'error' || outcome?.end === 'skipped';

const namesCompanies = (row: PlannedRow): boolean => companiesOf(row).length > 0;

/** Names companies, and comes to the same whether they are there yet. */
const isDecidedAlone = (row: PlannedRow): row is Extract<PlannedRow, { fate: 'command' }> =>
  row.fate === 'command' && row.companies.length > 0 && !row.isGrouped && !movesInHierarchy(row);

/** A race that was lost too often is lost by nobody's fault: the job takes it up again. */
function unlessBusy(refusal: Refusal): Refusal {
  if (refusal.code === 'too-busy') throw refusal;
  return refusal;
}

async function refusalOf(work: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error;
  }
}
