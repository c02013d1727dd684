import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { fieldsOf, type CustomerEvent, type CustomerFields, type RecordedOf } from '@throughline/contracts';
import { Commands, newId, plainTypes, type Item } from '@throughline/event-sourcing';
import { Kernel, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { care, careId, type CareCommand } from '../care/care.ts';
import { careRecords } from '../care/care-records.view.ts';
import { goldenOfGroup, partOf, type Group } from '../customer/customer-group.ts';
import { CurrentRules, type StampedRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { valuesToHold, verificationOf } from './verification.ts';

type Counts = { verified: number; failing: number };
type Place = { after: string; counts: Counts };
type Verified = { id: string; ownerId: string | undefined; records: ReadonlySet<string>; fields: CustomerFields };

/** The kind of the job. */
export const verifying = 'verify-customers';

const pageSize = 500;
const first = '00000000-0000-0000-0000-000000000000';
const active = `select record_id as id from "${careRecords.table}"
  where record_id > $1 and golden_id = record_id and active order by record_id limit ${pageSize}`;

/**
 * Goes over all active customers and records what is wrong with them, where that is another thing than before. A page that is done
 * again after a kill finds nothing new.
 */
@Injectable()
export class VerifyCustomers implements JobHandler {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly current: CurrentRules,
  ) {}

  async *run(job: JobAtWork<unknown, Place>, signal: AbortSignal): AsyncIterable<JobStep<Place>> {
    let { after, counts } = job.place ?? { after: first, counts: { verified: 0, failing: 0 } };
    while (!signal.aborted) {
      const { rows } = await this.kernel.pool.query<{ id: string }>({
        text: active,
        values: [after],
        types: plainTypes,
      });
      const last = rows.at(-1);
      if (!last) return;
      const failing = await this.#verify(rows.map(({ id }) => id));
      counts = { verified: counts.verified + rows.length, failing: counts.failing + failing };
      after = last.id;
      yield { place: { after, counts }, done: counts.verified, counts };
    }
  }

  /** @returns how many have something wrong with them */
  async #verify(ids: readonly string[]): Promise<number> {
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
