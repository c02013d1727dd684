import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { fieldsOf, type CustomerEvent, type CustomerFields, type RecordedOf } from '@throughline/contracts';
import { Commands, newId, plainTypes, type Item } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { careRecords } from '../care/care-records.view.ts';
import { care, careId, type CareCommand } from '../care/care.ts';
import { goldenOfGroup, partOf, type Group } from '../customer/customer-group.ts';
import { CurrentRules, type StampedRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { valuesToHold, verificationOf } from './verification.ts';

type Verified = { id: string; ownerId: string | undefined; records: ReadonlySet<string>; fields: CustomerFields };

const pageSize = 500;
const table = `"${careRecords.table}"`;
const active = `select record_id as id from ${table}
  where record_id > $1 and golden_id = record_id and active order by record_id limit ${pageSize}`;
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

  /** The next active customers in the order of their ids. */
  activeAfter(id: string): Promise<string[]> {
    return this.#ids(active, [id]);
  }

  /** The next ones with something wrong that were changed in the last seconds. */
  changedAfter(id: string, seconds: number): Promise<string[]> {
    return this.#ids(changedLately, [id, seconds]);
  }

  async #ids(text: string, values: readonly unknown[]): Promise<string[]> {
    const { rows } = await this.kernel.pool.query<{ id: string }>({ text, values: [...values], types: plainTypes });
    return rows.map(({ id }) => id);
  }

  /**
   * Records what is wrong with customers, where that is another thing than before.
   *
   * @returns how many have something wrong with them
   */
  async verify(ids: readonly string[]): Promise<number> {
    const stamped = await this.current.recent();
    const customers = await this.#loaded(ids);
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

  async #verdicts(customers: readonly Verified[], { rules }: StampedRules) {
    const now = new Date().toISOString();
    const claims = customers.flatMap(({ fields }) => valuesToHold(fields, rules).flatMap((one) => one.claims));
    const holders = await this.commands.holdersOf(customer.category, [...new Set(claims)]);
    return customers.map(({ id: customerId, ownerId, records, fields }) => {
      const isTaken = (claim: string) => holders.has(claim) && !records.has(holders.get(claim) ?? '');
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
      const records = new Set(group.map((part) => part.id));
      customers.push({ id, ownerId: fields.ownerId ?? undefined, records, fields });
    }
    return customers;
  }
}
