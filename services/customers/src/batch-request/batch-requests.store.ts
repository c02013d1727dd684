import { Injectable } from '@nestjs/common';
import {
  Commands,
  Elsewhere,
  Refusal,
  conflict,
  currentContext,
  derivedId,
  eachOf,
  notFound,
  type DecideContext,
  type RefusalKind,
} from '@throughline/event-sourcing';
import { HttpProblem } from '@throughline/service';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import type { Part } from '../customer/customer-group.ts';
import { builtInRules, customer, type CustomerRules } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import {
  claimsOf,
  commandOf,
  lanesOf,
  rehearse,
  targetOf,
  type Done,
  type Operation,
  type Refused,
} from './batch-request.ts';

/** Of an operation; `error` is what it alone would have been refused with. */
export type Outcome = { done: Done } | { error: unknown };
/** What has not even the shape of an operation. */
export type Misshapen = { error: unknown };

const lanesAtOnce = 16;

/** The command id of one of many that a request asks for: undefined where the request has none itself. */
export function commandIdOf(index: number): string | undefined {
  const { commandId } = currentContext();
  return commandId === undefined ? undefined : derivedId('batch', commandId, index);
}

@Injectable()
export class BatchRequests {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly numbers: CustomerNumbers,
  ) {}

  /**
   * Carries out each for itself. The ids of their commands derive from the request's, so a repeat of one that was broken
   * off does what is left, and answers the same.
   *
   * @throws Refusal `idempotency-key-reused` where the key came with another body before: then nothing is done
   */
  async each(operations: readonly (Operation | Misshapen)[], body: object): Promise<Outcome[]> {
    await this.commands.executeAcross(customer, [], { type: 'Batch' }, () => [], { body, rules: builtInRules });
    const readable = [...operations.entries()].flatMap(([index, one]) =>
      'op' in one ? [{ index, operation: one }] : [],
    );
    const wanted = readable.map(({ operation }) => operation);
    const outcomes = operations.map((one): Outcome => ('op' in one ? { error: undefined } : one));
    const holders = await this.commands.holdersOf(customer.category, wanted.flatMap(claimsOf));
    const ids = new Set([...holders.values(), ...wanted.flatMap((operation) => idsOf(operation, holders))]);
    const lanes = lanesOf(wanted, holders, await this.customers.goldenIds([...ids]));
    await eachOf(lanes, lanesAtOnce, async (lane) => {
      for (const place of lane) {
        const { index, operation } = readable[place] as (typeof readable)[number];
        outcomes[index] = await this.#carryOut(operation, commandIdOf(index)).then(
          ({ id, version }) => ({ done: { id, version } }),
          (error: unknown) => ({ error }),
        );
      }
    });
    return outcomes;
  }

  /**
   * Carries out all of them in one append over their records, or none: they are rehearsed on the records as they stand,
   * and the append counts only if the records still stand there.
   */
  async allOrNone(operations: readonly Operation[], body: object): Promise<Outcome[]> {
    const numbers: string[] = [];
    let asked = [...new Set(operations.flatMap(claimsOf))];
    const choose = async () => {
      const holders = await this.commands.holdersOf(customer.category, asked);
      for (const [index, operation] of operations.entries()) {
        const target = targetOf(operation);
        const exists = 'claim' in target ? holders.has(target.claim) : await this.#exists(operation, target.id);
        if (creates(operation, exists)) numbers[index] ??= await this.numbers.next();
      }
      const decide = (parts: ReadonlyMap<string, Part>, context: DecideContext<CustomerRules>) => {
        const { outcomes, decided, claims } = rehearse(operations, { parts, holders, numbers }, context);
        const unasked = claims.filter((claim) => !asked.includes(claim));
        asked = [...asked, ...unasked];
        // Who holds those is to be looked up first.
        if (unasked.length > 0) throw new Elsewhere();
        if (outcomes.some((one) => 'code' in one)) throw conflict('batch-refused', { outcomes });
        return { decided, answer: outcomes as readonly Done[] };
      };
      return { ids: [...new Set(operations.flatMap((operation) => idsOf(operation, holders)))], decide };
    };
    try {
      const done = await this.customers.decideChosen(choose, body);
      return done.map((one) => ({ done: one }));
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'batch-refused')) throw error;
      const outcomes = error.params['outcomes'] as readonly (Done | Refused)[];
      return outcomes.map((one) => ({
        error:
          'code' in one
            ? new Refusal(one.kind as RefusalKind, one.code, one.params, one.errors)
            : new HttpProblem(424, 'batch-refused'),
      }));
    }
  }

  #carryOut(operation: Operation, commandId: string | undefined) {
    const choose = async () => {
      const target = targetOf(operation);
      const holder = 'claim' in target ? await this.commands.holderOf(customer.category, target.claim) : undefined;
      const id = 'id' in target ? target.id : (holder ?? (operation.op === 'upsert' ? operation.id : undefined));
      if (id === undefined) throw notFound('customer-not-found');
      const exists = 'claim' in target ? holder !== undefined : await this.#exists(operation, id);
      const number = creates(operation, exists) ? await this.numbers.next() : '';
      return { id, command: commandOf(operation, exists, number) };
    };
    const fields = 'fields' in operation ? operation.fields : {};
    return this.customers.executeChosen(choose, fields, operation, commandId === undefined ? {} : { commandId });
  }

  /** What an upsert has to know of a record that it names by its id. */
  async #exists({ op }: Operation, id: string): Promise<boolean> {
    return op === 'upsert' && this.commands.exists(customer.category, id);
  }
}

/** Whether a number has to be allotted. */
const creates = (operation: Operation, exists: boolean): boolean =>
  operation.op === 'create'
    ? operation.number === undefined
    : operation.op === 'upsert' && !exists && operation.creation.number === undefined;

/** The records that an operation may write to. */
function idsOf(operation: Operation, holders: ReadonlyMap<string, string>): string[] {
  const target = targetOf(operation);
  const holder = 'claim' in target ? holders.get(target.claim) : target.id;
  const fresh = operation.op === 'upsert' && holder === undefined ? operation.id : undefined;
  return [holder, fresh].filter((id) => id !== undefined);
}
