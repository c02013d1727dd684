import { Injectable } from '@nestjs/common';
import type { CustomerEvent, CustomerFields, WayIn } from '@throughline/contracts';
import { Commands, Refusal, conflict, type Executed } from '@throughline/event-sourcing';
import type { RecordAnswer } from '@throughline/service';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { customer, type Customer, type CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers, type RulesInForce } from '../customer/golden-customers.store.ts';
import { builtInModel } from '../matching/built-in-model.ts';
import { scoreOf } from '../matching/score.ts';
import { DuplicateCheck, touchesCompared, type Checked, type Intended, type Match } from './duplicate-check.store.ts';
import { comparable, saidOf } from './match-records.view.ts';
import { bandOf } from './same-values.ts';

/** How a command came in, where its context does not say; and whether its sender asks not to be held up by duplicates. */
export type Entering = { way?: WayIn | undefined; skip?: boolean | undefined };

type Answered = Executed<Customer, CustomerEvent> | RecordAnswer;
type Chosen = { id: string; command: CustomerCommand };

/** Customers, with the duplicate rules in front: what changes a customer for somebody outside goes through here. */
@Injectable()
export class GuardedCustomers {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly duplicates: DuplicateCheck,
  ) {}

  /**
   * As `GoldenCustomers.execute`; what may be a duplicate and is let through stands in `warnings`.
   *
   * @throws Refusal `duplicate-found`, and as `GoldenCustomers.execute`
   */
  execute(id: string, command: CustomerCommand, body?: unknown, entering: Entering = {}): Promise<Answered> {
    return this.#guarded(
      () => Promise.resolve({ id, command }),
      entering,
      (inForce) => this.customers.execute(id, command, body, inForce),
    );
  }

  /** As `GoldenCustomers.executeChosen`, guarded likewise. */
  async executeChosen(
    choose: () => Promise<Chosen>,
    fields: CustomerInput,
    body: object,
    entering: Entering = {},
  ): Promise<Answered> {
    return this.#guarded(choose, entering, (inForce) =>
      this.customers.executeChosen(choose, fields, body, {}, inForce),
    );
  }

  /** @param choose is asked only where a rule compares: it may allot a number */
  async #guarded(
    choose: () => Promise<Chosen>,
    { way, skip }: Entering,
    work: (inForce: RulesInForce) => Promise<Answered>,
  ): Promise<Answered> {
    const { all, skip: isSkipping, ...inForce } = await this.duplicates.rules(skip);
    const isAsked = all.rules.some(({ among }) => among === 'all');
    const intended = isAsked ? await this.#intended(await choose(), way) : undefined;
    if (!intended) return work(inForce);
    const checked = await this.duplicates.check(intended, { all, skip: isSkipping });
    try {
      return await this.#told(intended, checked, await work(inForce));
    } catch (error) {
      throw await this.#asFound(error, intended);
    }
  }

  /** What a command would make of a customer; undefined where it changes nothing that is compared. */
  async #intended({ id, command }: Chosen, way: WayIn | undefined): Promise<Intended | undefined> {
    const entering = way === undefined ? {} : { way };
    if (command.type === 'CreateCustomer') {
      // A repeat gets its first answer, and an id that is taken is another matter.
      if (await this.commands.exists(customer.category, id)) return undefined;
      return { operation: 'create', id, goldenId: null, fields: command.fields, ...entering };
    }
    if (command.type !== 'ChangeCustomer' || !touchesCompared(command.changes)) return undefined;
    const now = await this.customers.read(id);
    const fields: CustomerFields = { ...now.fields, ...command.changes };
    return { operation: 'change', id, goldenId: now.id, fields, ...entering };
  }

  async #told(intended: Intended, checked: Checked, answer: Answered): Promise<Answered> {
    if (checked.found.length === 0) return answer;
    await this.duplicates.queue(answer.id, checked, intended.operation, `${answer.id}@${answer.version}`);
    if (checked.warnings.length === 0) return answer;
    return { ...answer, fields: { ...answer.fields, warnings: checked.warnings } };
  }

  /** Somebody else was quicker, and has the value that a rule reserves. */
  async #asFound(error: unknown, intended: Intended): Promise<unknown> {
    if (!(error instanceof Refusal) || !reservedCodes.includes(error.code)) return error;
    const { id, fields } = await this.customers.read(String(error.params['holder']));
    const other = comparable(id, saidOf(fields as CustomerFields));
    const score = scoreOf(builtInModel, comparable(intended.id, saidOf(intended.fields)), other);
    const match: Match = {
      customerId: id,
      number: String(fields['number']),
      name: (fields['name'] as string | undefined) ?? null,
      score: score.weight,
      probability: score.probability,
      band: bandOf(score),
      reasons: score.reasons,
    };
    return conflict('duplicate-found', { matches: [match] });
  }
}

const reservedCodes = ['email-taken', 'phone-taken', 'registration-number-taken'];
