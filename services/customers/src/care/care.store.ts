import { Injectable } from '@nestjs/common';
import {
  careAfter,
  careOf,
  defaultTimeZone,
  fieldsOf,
  isStale,
  noCare,
  qualityOf,
  sameAddress,
  type Care,
  type CareEvent,
  type CareSettings,
  type ConfirmationWay,
  type CustomerEvent,
  type Instant,
  type RecordedOf,
} from '@throughline/contracts';
import { Commands, conflict, currentContext, derivedId, type ExecuteOptions } from '@throughline/event-sourcing';
import { Kernel, type RecordAnswer } from '@throughline/service';
import { goldenOfGroup, type Group, type Part } from '../customer/customer-group.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { verifying } from '../rules/verify-customers.job.ts';
import { careSettings, careSettingsId } from './care-settings.ts';
import { care, careId, type CareCommand } from './care.ts';
import { FactsOfCustomers } from './customer-facts.view.ts';
import { organisation } from './organisation.view.ts';

const day = 86_400_000;
const ofOrganisation = `from (select coalesce((select time_zone from "${organisation.table}" limit 1), $1) as zone) one`;

/** What is found out about customers, straight from their streams. */
@Injectable()
export class CareOfCustomers {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly facts: FactsOfCustomers,
    private readonly kernel: Kernel,
  ) {}

  async settings(): Promise<CareSettings> {
    return (await this.commands.load(careSettings, careSettingsId)).state;
  }

  /** @throws Refusal `customer-not-found` */
  async read(id: string): Promise<RecordAnswer> {
    return this.#shown(await this.customers.group(id));
  }

  /** What was recorded is still right. @throws Refusal `customer-not-found`, `customer-archived`, `customer-erased` */
  async confirm(id: string, how: ConfirmationWay): Promise<RecordAnswer> {
    const group = await this.customers.group(id);
    const [top] = group;
    checkActive(top);
    await this.execute({ type: 'ConfirmRecord', customerId: top.id, how });
    return this.#shown(group);
  }

  /**
   * Known of all records that have the address, so that it stays so when a merge is taken apart.
   *
   * @throws Refusal `customer-not-found`, `customer-erased`
   */
  async bounced(id: string, bounce: { address: string; reason?: string }): Promise<RecordAnswer> {
    const group = await this.customers.group(id);
    const [top] = group;
    if (top.state.status === 'erased') throw conflict('customer-erased');
    const [first = top, ...others] = group.filter(({ state }) => holds(state, bounce.address));
    const { commandId } = currentContext();
    await this.execute({ type: 'RecordBounce', customerId: first.id, ...bounce });
    for (const { id: customerId } of others) {
      const own = commandId === undefined ? {} : { commandId: derivedId('bounce', commandId, customerId) };
      await this.execute({ type: 'RecordBounce', customerId, ...bounce }, { ...own, anyVersion: true });
    }
    return this.#shown(group);
  }

  async execute(command: CareCommand, options: ExecuteOptions<undefined> = {}): Promise<void> {
    await this.commands.execute(care, careId(command.customerId), command, options);
  }

  /** Whose first order was before this instant is no new customer any more: where the organisation's day began. */
  async newSince(): Promise<Instant> {
    const { newForDays } = await this.settings();
    const { rows } = await this.kernel.pool.query<{ since: Date | string }>(
      `select ((now() at time zone zone)::date - $2::int + 1)::timestamp at time zone zone as since ${ofOrganisation}`,
      [defaultTimeZone, newForDays],
    );
    return new Date(rows[0]?.since ?? 0).toISOString();
  }

  /** The organisation's day. */
  async today(): Promise<string> {
    const { rows } = await this.kernel.pool.query<{ today: string }>(
      `select (now() at time zone zone)::date::text as today ${ofOrganisation}`,
      [defaultTimeZone],
    );
    return rows[0]?.today ?? '';
  }

  /** Notes at once where a record's first order, an old one that came late, is long ago already. */
  async endNewPeriod(customerId: string): Promise<void> {
    const { orders } = await this.facts.of([customerId]);
    const [first] = orders;
    if (first === undefined || first >= (await this.newSince())) return;
    await this.execute({ type: 'EndNewCustomerPeriod', customerId, orderedUntil: first });
  }

  async #shown(group: Group): Promise<RecordAnswer> {
    const [top] = group;
    const settings = await this.settings();
    const cares = await Promise.all(group.map(async (part) => this.#careOf(part)));
    const all = careOf(cares.map(({ known }) => known));
    const fields = fieldsOf(goldenOfGroup(group));
    const stale = isStale(all);
    const { due, confirmedAt } = all;
    const days = settings.confirmAfterDays[fields.kind ?? 'person'];
    const next = confirmedAt === null ? null : new Date(Date.parse(confirmedAt) + days * day).toISOString();
    return {
      id: careId(top.id),
      version: cares[0]?.version ?? 0,
      position: Math.max(...cares.map(({ position }) => position)),
      fields: {
        customerId: top.id,
        confirmedAt,
        confirmedBy: all.confirmedBy,
        dueAt: stale && due ? due.dueAt : next,
        due: stale,
        askBy: stale && due ? due.by : settings.askBy,
        escalatedAt: (stale && due?.escalatedAt) || null,
        bounced: all.bounced,
        verification: { checkedAt: await this.#verifiedAt(group, all), failures: all.failures },
        ...qualityOf({ fields, bounced: all.bounced, stale, failures: all.failures }),
      },
    };
  }

  /** When all customers were gone over last, unless this one came later. */
  async #verifiedAt([{ events }]: Group, { failedAt }: Care): Promise<Instant | null> {
    const { rows } = await this.kernel.pool.query<{ at: Date | null }>(
      `select max(created_at) as at from jobs where kind = $1 and state = 'done'`,
      [verifying],
    );
    const last = rows[0]?.at?.toISOString() ?? null;
    const isOlder = last !== null && (events[0]?.recordedAt ?? last) < last;
    return isOlder && (failedAt === null || failedAt < last) ? last : failedAt;
  }

  async #careOf({ id, events }: Part): Promise<{ known: Care; version: number; position: number }> {
    const own = await this.commands.load(care, careId(id));
    const all: RecordedOf<CustomerEvent | CareEvent>[] = [
      ...events,
      ...(own.events as unknown as RecordedOf<CareEvent>[]),
    ];
    const known = all.toSorted((a, b) => a.position - b.position).reduce(careAfter, noCare);
    return { known, version: own.version, position: own.position };
  }
}

const holds = ({ details: { emails } }: Part['state'], address: string): boolean =>
  (emails ?? []).some(({ value }) => sameAddress(value, address));

function checkActive({ state: { status } }: Part): void {
  if (status !== 'active') throw conflict(`customer-${status}`);
}
