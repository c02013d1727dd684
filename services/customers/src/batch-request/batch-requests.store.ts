import { Injectable } from '@nestjs/common';
import type { CustomerFields } from '@throughline/contracts';
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
import { shownGroup, type Group, type Part } from '../customer/customer-group.ts';
import { customer } from '../customer/customer.ts';
import { builtInRules, type CustomerRules } from '../customer/customer-rules.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { NamedCustomers } from '../customer/named-customers.store.ts';
import type { Named } from '../customer/unique-keys.ts';
import type { Checked, RulesAsked } from '../duplicates/duplicate-check.store.ts';
import { compares } from '../duplicates/duplicate-rules.ts';
import { GuardedCustomers, isCreated, type Guarded } from '../duplicates/guarded-customers.store.ts';
import {
  claimsOf,
  commandOf,
  creates,
  lanesOf,
  linksIn,
  mayMakePerson,
  rehearse,
  targetOf,
  type Done,
  type Holders,
  type Operation,
  type Refused,
  type Target,
} from './batch-request.ts';
import { intendedBy, type Standing } from './operation.intention.ts';

/** Of an operation; `error` is what it alone would have been refused with. */
export type Outcome = { done: Done & { warnings?: Checked['warnings'] } } | { error: unknown };
/** What has not even the shape of an operation. */
export type Misshapen = { error: unknown };

type Compared = readonly (Guarded | undefined)[];

const lanesAtOnce = 16;

/** Some may be duplicates, so that nothing is done. Not remembered: it names customers, and may end otherwise next time. */
class HeldUp extends Error {
  constructor(readonly outcomes: readonly (Done | Refusal)[]) {
    super();
  }
}

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
    private readonly guarded: GuardedCustomers,
    private readonly named: NamedCustomers,
    private readonly numbers: CustomerNumbers,
  ) {}

  /**
   * Carries out each for itself. The ids of their commands derive from the request's, so a repeat of one that was broken
   * off does what is left, and answers the same.
   *
   * @param skip as `X-Skip-Duplicate-Check` has it
   * @throws Refusal `idempotency-key-reused` where the key came with another body before: then nothing is done
   */
  async each(operations: readonly (Operation | Misshapen)[], body: object, skip = false): Promise<Outcome[]> {
    await this.commands.executeAcross(customer, [], { type: 'Batch' }, () => [], { body, rules: builtInRules });
    const readable = [...operations.entries()].flatMap(([index, one]) =>
      'op' in one ? [{ index, operation: one }] : [],
    );
    const wanted = readable.map(({ operation }) => operation);
    const outcomes = operations.map((one): Outcome => ('op' in one ? { error: undefined } : one));
    const named = await this.#named(wanted, await this.#holdersOf(wanted.flatMap(claimsOf)));
    const links = wanted.flatMap((operation) => Object.values(linksIn(operation)));
    const written = wanted.flatMap((operation) => idsOf(operation, named));
    const ids = new Set([...[...named.values()].flat(), ...written, ...links]);
    const lanes = lanesOf(wanted, named, await this.customers.goldenIds([...ids]));
    const rules = await this.guarded.rules(skip);
    const compared = await this.#compared(wanted, named, rules, (place) => commandIdOf(readable[place]!.index));
    await eachOf(lanes, lanesAtOnce, async (lane) => {
      for (const place of lane) {
        const { index, operation } = readable[place] as (typeof readable)[number];
        outcomes[index] = await this.guarded
          .carryOut(compared[place], () => this.#carryOut(operation, commandIdOf(index), rules))
          .then(doneOf, (error: unknown) => ({ error }));
      }
    });
    return outcomes;
  }

  /**
   * Carries out all of them in one append over their records, or none: they are rehearsed on the records as they stand,
   * and the append counts only if the records still stand there.
   */
  async allOrNone(asked: readonly Operation[], body: object, skip = false): Promise<Outcome[]> {
    const rules = await this.guarded.rules(skip);
    const numbers: string[] = [];
    const claims = new Set(asked.flatMap(claimsOf));
    const creating = new Set<number>();
    const links = asked.map(linksIn);
    const parents = new Set(links.flatMap(({ parentId }) => parentId ?? []));
    const others = new Set(links.flatMap(({ parentId: _, ...rest }) => Object.values(rest)));
    let compared: Compared = [];
    const choose = async () => {
      const holders = await this.#holdersOf([...claims]);
      const linked = await this.#linked(parents, others);
      const ids = await this.#idsOfNew(asked);
      const named = await this.#named(asked, holders);
      const operations = withIds(asked, new Map([...ids].filter(([claim]) => !named.has(claim))));
      for (const [index, operation] of operations.entries()) {
        const target = targetOf(operation);
        const exists = 'claim' in target ? named.has(target.claim) : await this.#exists(operation, target.id);
        if (creates(operation, exists) || creating.has(index)) numbers[index] ??= await this.numbers.next();
      }
      compared = await this.#compared(operations, named, rules);
      const written = operations.flatMap((operation) => idsOf(operation, named));
      const naming = await this.#naming(
        operations.filter(mayMakePerson).flatMap((operation) => idsOf(operation, named)),
        new Set(written),
      );
      const decide = (parts: ReadonlyMap<string, Part>, context: DecideContext<CustomerRules>) => {
        const rehearsed = rehearse(operations, { parts, holders, numbers }, context);
        const { outcomes, decided, taken, unnumbered } = rehearsed;
        // A rule may claim more than the operations name: who holds that is to be looked up first.
        const unasked = taken.filter((claim) => !claims.has(claim));
        for (const claim of unasked) claims.add(claim);
        // One before it may have freed what an upsert names.
        for (const index of unnumbered) creating.add(index);
        // It may give a company a parent that it had before: what is above that one is to be looked up as well.
        const unseen = rehearsed.lost.filter((id) => !parents.has(id) && !linked.lost.has(id));
        for (const id of unseen) parents.add(id);
        if (unasked.length > 0 || unnumbered.length > 0 || unseen.length > 0) throw new Elsewhere();
        const verdicts = compared.map((one) => one?.verdict);
        if (verdicts.some((verdict) => verdict instanceof Refusal)) {
          throw new HeldUp(outcomes.map((one, index) => heldUp(verdicts[index]) ?? asRefusal(one)));
        }
        if (outcomes.some((one) => 'code' in one)) throw conflict('batch-refused', { outcomes });
        return { decided, answer: outcomes as readonly Done[] };
      };
      const fresh = operations.flatMap((operation) => (operation.op === 'upsert' ? [operation.id] : []));
      return { ids: [...new Set([...written, ...fresh, ...linked.ids, ...naming])], decide };
    };
    try {
      const done = await this.customers.decideChosen(choose, body, rules);
      return await Promise.all(
        done.map(async (one, index) =>
          doneOf(await this.guarded.carryOut(compared[index], () => Promise.resolve(one))),
        ),
      );
    } catch (error) {
      const refused = refusedAmong(error);
      if (!refused) throw error;
      return Promise.all(
        refused.map(async (one, index) => {
          if (!(one instanceof Refusal)) return { error: new HttpProblem(424, 'batch-refused') };
          const intended = compared[index]?.intended;
          return { error: intended ? await this.guarded.asFound(one, intended) : one };
        }),
      );
    }
  }

  /**
   * The records of those whom operations name, as far as there are any.
   *
   * @returns `lost`: companies that those above belong to, and that there are none of
   */
  async #linked(parents: Iterable<string>, others: Iterable<string>): Promise<{ ids: string[]; lost: Set<string> }> {
    const [ids, lost] = [new Set<string>(), new Set<string>()];
    await eachOf(parents, lanesAtOnce, async (id) => {
      const above = await this.customers.above(id);
      for (const [top] of above.above) ids.add(top.id);
      for (const end of above.lost ?? []) lost.add(end);
    });
    await eachOf(others, lanesAtOnce, async (id) => {
      const group = await this.customers.find(id);
      if (group) ids.add(group[0].id);
    });
    return { ids: [...ids], lost };
  }

  /** Records of customers besides those written that keep companies from becoming persons. */
  async #naming(ids: readonly string[], written: ReadonlySet<string>): Promise<string[]> {
    const naming: string[] = [];
    await eachOf(ids, lanesAtOnce, async (id) => {
      const company = await this.customers.find(id);
      const groups = company ? await this.customers.namedBy(company, written) : [];
      naming.push(...groups.map(([top]) => top.id));
    });
    return naming;
  }

  /** What the duplicate rules say of the operations, on the records as they stand. */
  async #compared(
    operations: readonly Operation[],
    named: Named,
    rules: RulesAsked,
    commandIdAt: (place: number) => string | undefined = () => undefined,
  ): Promise<Compared> {
    if (!compares(rules.all)) return [];
    const standing = new Map<string, Standing>();
    const ids = new Set(operations.flatMap((operation) => idsOf(operation, named)));
    await eachOf(ids, lanesAtOnce, async (id) => {
      const found = await this.customers.find(id);
      if (found) standing.set(id, standingOf(found));
    });
    const intended = intendedBy(operations, named, standing);
    return this.guarded.compareEach(
      intended.map((one, place) => one && { ...one, commandId: commandIdAt(place) }),
      rules,
    );
  }

  async #carryOut(operation: Operation, commandId: string | undefined, rules: RulesAsked) {
    const target = targetOf(operation);
    const choose = async () => {
      const { id, exists } = await this.#found(operation, target);
      const number = creates(operation, exists) ? await this.numbers.next() : '';
      return { id, command: commandOf(operation, exists, number) };
    };
    const fields = 'fields' in operation ? operation.fields : {};
    const named = commandId !== undefined ? { commandId } : {};
    const answer = await this.customers.executeChosen(choose, fields, operation, named, rules);
    return { ...answer, created: isCreated(answer) };
  }

  /** Claim -> the id of whom an upsert by it makes, where it names nobody. */
  async #idsOfNew(operations: readonly Operation[]): Promise<ReadonlyMap<string, string>> {
    const claims = operations.flatMap((one) =>
      one.op === 'upsert' && 'claim' in one.target ? [one.target.claim] : [],
    );
    return new Map(
      await Promise.all([...new Set(claims)].map(async (claim) => [claim, await this.named.idOfNew(claim)] as const)),
    );
  }

  /** The record that an operation is about, and whether an upsert finds it there. */
  async #found(operation: Operation, target: Target): Promise<{ id: string; exists: boolean }> {
    if ('id' in target) return { id: target.id, exists: await this.#exists(operation, target.id) };
    const { claim } = target;
    const found =
      operation.op === 'upsert' ? await this.named.findOrNew(claim) : { holder: await this.named.find(claim) };
    if ('id' in found) return { id: found.id, exists: false };
    if (found.holder === undefined) throw notFound('customer-not-found');
    return { id: found.holder, exists: true };
  }

  #holdersOf(claims: readonly string[]): Promise<Holders> {
    return this.commands.holdersOf(customer.category, claims);
  }

  /** Whom the operations' claims name, with those that only have an e-mail that an operation is to find its customer by. */
  async #named(operations: readonly Operation[], holders: Holders): Promise<Named> {
    const targets = operations.map(targetOf).flatMap((target) => ('claim' in target ? [target.claim] : []));
    const held = [...holders].map(([claim, id]) => [claim, [id]] as const);
    return new Map([...(await this.named.findEach([...new Set(targets)], holders)), ...held]);
  }

  /** What an upsert has to know of a record that it names by its id. */
  async #exists({ op }: Operation, id: string): Promise<boolean> {
    return op === 'upsert' && this.commands.exists(customer.category, id);
  }
}

const doneOf = ({ id, version, created, warnings }: Done & { warnings?: Checked['warnings'] }): Outcome => ({
  done: { id, version, ...(created && { created }), ...(warnings && { warnings }) },
});

const standingOf = (group: Group): Standing => ({ goldenId: group[0].id, fields: shownGroup(group) as CustomerFields });

const asRefusal = (one: Done | Refused): Done | Refusal =>
  'code' in one ? new Refusal(one.kind as RefusalKind, one.code, one.params, one.errors) : one;

const heldUp = (verdict: Guarded['verdict'] | undefined): Refusal | undefined =>
  verdict instanceof Refusal ? verdict : undefined;

/** What each of the operations came to, where nothing was done because of some of them. */
function refusedAmong(error: unknown): readonly (Done | Refusal)[] | undefined {
  if (error instanceof HeldUp) return error.outcomes;
  if (!(error instanceof Refusal && error.code === 'batch-refused')) return undefined;
  return (error.params['outcomes'] as readonly (Done | Refused)[]).map(asRefusal);
}

/** Whom a later upsert by the same claim makes is another record: the first one lost it before. */
function withIds(operations: readonly Operation[], ids: ReadonlyMap<string, string>): Operation[] {
  const left = new Map(ids);
  return operations.map((operation) => {
    if (operation.op !== 'upsert' || 'id' in operation.target) return operation;
    const { claim } = operation.target;
    const id = left.get(claim) ?? operation.id;
    left.delete(claim);
    return { ...operation, id };
  });
}

/** The records that an operation may write to. */
function idsOf(operation: Operation, named: Named): readonly string[] {
  const target = targetOf(operation);
  const there = 'claim' in target ? (named.get(target.claim) ?? []) : [target.id];
  return there.length === 0 && operation.op === 'upsert' ? [operation.id] : there;
}
