import { Injectable } from '@nestjs/common';
import type { CustomerEvent, CustomerFields } from '@throughline/contracts';
import { Commands, Refusal, conflict, currentContext, type Executed } from '@throughline/event-sourcing';
import type { RecordAnswer } from '@throughline/service';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import type { Customer } from '../customer/customer-state.ts';
import { GoldenCustomers, unlessRefused, type RulesInForce } from '../customer/golden-customers.store.ts';
import { builtInModel } from '../matching/built-in-model.ts';
import { scoreOf } from '../matching/score.ts';
import {
  DuplicateCheck,
  touchesCompared,
  type Checked,
  type Intended,
  type Match,
  type RulesAsked,
  type Verdict,
} from './duplicate-check.store.ts';
import { compares } from './duplicate-rules.ts';
import { comparable, saidOf } from './match-records.view.ts';
import { bandOf } from './same-values.ts';

/** Whether the sender of a command asks not to be held up by duplicates. */
export type Entering = { skip?: boolean | undefined };

/** What somebody is about to record, and what the rules say of it. */
export type Guarded = { intended: Intended; verdict: Verdict };

export type Answered = Executed<Customer, CustomerEvent> | RecordAnswer;
type Chosen = { id: string; command: CustomerCommand };

/** Whether the command made the record, also where this is its repeat. */
export const isCreated = (answer: Answered): boolean =>
  'events' in answer && answer.events.some(({ type }) => type === 'CustomerCreated');

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

  /** The rules as they are now, and whether the caller asks to pass them. */
  rules(skip?: boolean): Promise<RulesAsked> {
    return this.duplicates.rules(skip);
  }

  /**
   * What the rules say of many, before any of them is carried out; undefined where they say nothing of it. What came to an
   * outcome before is not held up any more. The match view is asked for all of them together.
   */
  async compareEach(
    all: readonly (Intended | undefined)[],
    rules: RulesAsked,
  ): Promise<readonly (Guarded | undefined)[]> {
    const settled = await this.commands.settled(all.flatMap((one) => one?.commandId ?? []));
    const asked = all.filter((one) => one !== undefined);
    const verdicts = await this.duplicates.checkEach(asked, rules);
    const guarded = new Map(
      asked.flatMap((intended, at) => {
        const verdict = verdicts[at] as Verdict;
        const isRepeated = settled.has(intended.commandId ?? '');
        return isRepeated && verdict instanceof Refusal ? [] : [[intended, { intended, verdict }] as const];
      }),
    );
    return all.map((one) => one && guarded.get(one));
  }

  /**
   * Has it carried out unless it is refused. What may be a duplicate and is let through stands in the answer's `warnings`,
   * and is queued.
   *
   * @throws Refusal `duplicate-found`, and what `work` throws
   */
  async carryOut<A extends { id: string; version: number }>(
    guarded: Guarded | undefined,
    work: () => Promise<A>,
  ): Promise<A & { warnings?: Checked['warnings'] }> {
    if (!guarded) return work();
    const { intended, verdict } = guarded;
    if (verdict instanceof Refusal) throw verdict;
    try {
      const answer = await work();
      await this.queue(guarded, answer);
      return { ...answer, ...(verdict.warnings.length > 0 && { warnings: verdict.warnings }) };
    } catch (error) {
      throw await this.asFound(error, intended);
    }
  }

  /** Queues what was found of something that was let through and is recorded now. */
  async queue({ intended, verdict }: Guarded, { id, version }: { id: string; version: number }): Promise<void> {
    if (verdict instanceof Refusal) return;
    await this.duplicates.queue(id, verdict, intended.operation, `${id}@${version}`);
  }

  /** @param choose is asked only where a rule compares: it may allot a number */
  async #guarded(
    choose: () => Promise<Chosen>,
    { skip }: Entering,
    work: (inForce: RulesInForce) => Promise<Answered>,
  ): Promise<Answered> {
    const rules = await this.rules(skip);
    const chosen = compares(rules.all) ? await unlessRefused(choose) : undefined;
    const intended = chosen && (await this.#intended(chosen));
    const [guarded] = intended ? await this.compareEach([intended], rules) : [];
    const { warnings, ...answer } = await this.carryOut(guarded, () => work(rules));
    return warnings ? { ...answer, fields: { ...answer.fields, warnings } } : answer;
  }

  /** What a command would make of a customer; undefined where it changes nothing that is compared. */
  async #intended({ id, command }: Chosen): Promise<Intended | undefined> {
    const { commandId } = currentContext();
    if (command.type === 'CreateCustomer') {
      // An id that is taken is another matter.
      if (await this.commands.exists(customer.category, id)) return undefined;
      const { fields, met } = command;
      return { operation: 'create', id, goldenId: null, fields, commandId, ...(met && { way: 'quick-add' }) };
    }
    if (command.type !== 'ChangeCustomer' || !touchesCompared(command.changes)) return undefined;
    const now = await this.customers.read(id);
    const fields: CustomerFields = { ...now.fields, ...command.changes };
    return { operation: 'change', id, goldenId: now.id, fields, commandId };
  }

  /** Where somebody else was quicker and has the value that a rule reserves: the refusal that says who it may be. */
  async asFound(error: unknown, intended: Intended): Promise<unknown> {
    if (!(error instanceof Refusal) || !takenCodes.includes(error.code)) return error;
    const { holder } = error.params;
    // Not another operation of the same request, which was refused together with this one.
    if (typeof holder !== 'string' || !(await this.commands.exists(customer.category, holder))) return error;
    const { id, fields } = await this.customers.read(holder);
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

const reserved = ['email', 'phone', 'registration-number'];
const takenCodes = reserved.map((what) => `${what}-taken`);

/** Whether a customer claims a value because a duplicate rule reserves it. */
export const isReserved = (claim: string): boolean => reserved.includes(claim.split(':', 1)[0] as string);
