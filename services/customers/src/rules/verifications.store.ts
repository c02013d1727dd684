import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import {
  fieldsOf,
  type CustomerEvent,
  type CustomerFields,
  type RecordedOf,
  type ValidationRule,
} from '@throughline/contracts';
import { Commands, newId, plainTypes, type Item } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { careRecords } from '../care/care-records.view.ts';
import { care, careId, type CareCommand } from '../care/care.ts';
import { goldenOfGroup, partOf, type Group, type Part } from '../customer/customer-group.ts';
import { CurrentRules, type StampedRules } from '../customer/customer-rules.store.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { unclaimedNumber } from '../customer/unique-keys.ts';
import { freeClaims, valuesToHold, verificationOf } from './verification.ts';

/** In counts: of the customers who were verified some failed and the others passed; values became their own. */
export type Found = { verified: number; failed: number; passed: number; claimed: number };

type Verified = { id: string; ownerId: string | undefined; records: readonly Part[]; fields: CustomerFields };

const pageSize = 500;
const table = `"${careRecords.table}"`;
const active = `select record_id as id, position from ${table}
  where position > $1 and golden_id = record_id and active order by position limit ${pageSize}`;
const countOfActive = `select count(*)::int as count from ${table} where golden_id = record_id and active`;
/** Any record of a customer may have been changed. */
const changedLately = `select t.record_id as id from ${table} t
  where t.record_id > $1 and t.failing and t.active and t.record_id in (
    select m.golden_id from ${table} m where m.confirmed_at > now() - $2::int * interval '1 second')
  order by t.record_id limit ${pageSize}`;

/** Finds out what is wrong with customers, straight from their streams. */
@Injectable()
export class Verifications {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly current: CurrentRules,
  ) {}

  /** How many active customers there are. */
  async countActive(): Promise<number> {
    const [row] = await this.#rows<{ count: number }>(countOfActive, []);
    return row?.count ?? 0;
  }

  /** Waits until it knows of all customers that there are by now. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    await this.kernel.holdsAll(signal);
  }

  /** The next active customers in the order in which they came. */
  activeAfter(position: number): Promise<{ id: string; position: number }[]> {
    return this.#rows(active, [position]);
  }

  /** The next ones with something wrong that were changed in the last seconds. */
  async changedAfter(id: string, seconds: number): Promise<string[]> {
    const rows = await this.#rows<{ id: string }>(changedLately, [id, seconds]);
    return rows.map((row) => row.id);
  }

  async #rows<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return (await this.kernel.pool.query<Row>({ text, values: [...values], types: plainTypes })).rows;
  }

  /** Records what is wrong with customers, where that is another thing than before. */
  async verify(ids: readonly string[]): Promise<void> {
    await this.#verify(await this.#loaded(ids), await this.current.read());
  }

  /** The rules by which only one may have a value, as they are now. */
  async uniqueRules(): Promise<ValidationRule[]> {
    const { ruleSet } = (await this.current.read()).rules;
    return ruleSet.rules.filter(({ kind }) => kind === 'unique');
  }

  /**
   * The same, once each has claimed what only one may have and nobody claims: of two, the one that is named first.
   *
   * @param by the rules by which they claim, as far as they are still the same
   */
  async claimAndVerify(ids: readonly string[], by: readonly ValidationRule[]): Promise<Found> {
    const stamped = await this.current.read();
    const customers = await this.#loaded(ids);
    const rules = stamped.rules.ruleSet.rules.filter((rule) => by.some((one) => isDeepStrictEqual(one, rule)));
    const claimed = await this.#claim(customers, { ...stamped, rules: { ...stamped.rules, ruleSet: { rules } } });
    const failed = await this.#verify(customers, stamped);
    return { verified: customers.length, failed, passed: customers.length - failed, claimed };
  }

  /** @returns how many have something wrong with them */
  async #verify(customers: readonly Verified[], stamped: StampedRules): Promise<number> {
    const items = await this.#verdicts(customers, stamped);
    const known = await this.commands.loadMany(
      care,
      items.map(({ id }) => id),
    );
    const isNews = ({ id, command }: (typeof items)[number]) =>
      !isDeepStrictEqual(known.get(id)?.state.failures, command.failures);
    // Whoever changes at this very moment is told of the next time.
    await this.commands.executeMany(care, items.filter(isNews), {
      ...(stamped.rulesVersion !== undefined && { rulesVersion: stamped.rulesVersion }),
    });
    return items.filter(({ command }) => command.failures.length > 0).length;
  }

  /**
   * Who is given a value at this very moment has it: the one that had it before is told of then.
   *
   * @returns how many values became their customers' own
   */
  async #claim(customers: readonly Verified[], stamped: StampedRules): Promise<number> {
    const { rules } = stamped;
    const free = freeClaims(customers, rules, await this.#holders(customers, stamped));
    const items = [...free].map(([id, claims]): Item<CustomerCommand> => ({
      id,
      command: { type: 'ClaimValues', free: claims },
      commandId: newId(),
    }));
    const outcomes = await this.commands.executeMany(customer, items, stamped);
    const areTaken = outcomes.map((one) => one.status === 'done' && one.executed.events.length > 0);
    return [...free.values()].filter((_, index) => areTaken[index]).flat().length;
  }

  /** Of what only one customer may have: claim -> the record that holds it. */
  #holders(customers: readonly Verified[], { rules }: StampedRules): Promise<ReadonlyMap<string, string>> {
    const claims = customers.flatMap(({ fields, records }) => [
      ...valuesToHold(fields, rules).flatMap((one) => one.claims),
      ...records.flatMap(({ state }) => unclaimedNumber(state)),
    ]);
    return this.commands.holdersOf(customer.category, [...new Set(claims)]);
  }

  async #verdicts(customers: readonly Verified[], stamped: StampedRules) {
    const { rules } = stamped;
    const now = new Date().toISOString();
    const holders = await this.#holders(customers, stamped);
    return customers.map(({ id: customerId, ownerId, records, fields }) => {
      const own = new Set(records.map(({ id }) => id));
      const isTaken = (claim: string) => holders.has(claim) && !own.has(holders.get(claim) ?? '');
      const failures = verificationOf(fields, { rules, now }, isTaken);
      const command = { type: 'RecordVerification', customerId, ownerId, failures } as const;
      return { id: careId(customerId), command, commandId: newId() } satisfies Item<CareCommand>;
    });
  }

  /** Whoever was archived, merged or erased since the view saw them is left out. */
  async #loaded(ids: readonly string[]): Promise<Verified[]> {
    const loaded = await this.commands.loadMany(customer, ids);
    const customers: Verified[] = [];
    for (const [id, { state, events }] of loaded) {
      if (state.status !== 'active' || state.into !== undefined) continue;
      const alone = partOf(id, events as readonly RecordedOf<CustomerEvent>[]);
      const group: Group | undefined = state.members.length > 0 ? await this.customers.find(id) : alone && [alone];
      if (!group) continue;
      const fields = group.length === 1 ? state.details : fieldsOf(goldenOfGroup(group));
      customers.push({ id, ownerId: fields.ownerId ?? undefined, records: group, fields });
    }
    return customers;
  }
}
