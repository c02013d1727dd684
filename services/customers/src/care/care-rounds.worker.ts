import { Injectable } from '@nestjs/common';
import type { CareSettings, Instant } from '@throughline/contracts';
import { eachOf, plainTypes } from '@throughline/event-sourcing';
import { Kernel, Log, type Worker } from '@throughline/service';
import { careRecords } from './care-records.view.ts';
import type { CareCommand } from './care.ts';
import { CareOfCustomers } from './care.store.ts';
import { salesFacts } from './customer-facts.view.ts';
import { goRound } from './rounds.worker.ts';

const day = 86_400_000;
const pageSize = 500;
const atOnce = 8;
const kinds = ['person', 'company'] as const;

const table = `"${careRecords.table}"`;
/** A source may speak of a record that was merged: that confirms its customer. */
const confirmed = `(select max(m.confirmed_at) from ${table} m where m.golden_id = t.record_id)`;
const ofCustomers = `select t.record_id as id, t.owner_id as "ownerId", t.due_at as "dueAt", ${confirmed} as confirmed
  from ${table} t where t.record_id > $1::uuid and t.golden_id = t.record_id and t.active`;
const unconfirmed = `${ofCustomers} and t.kind = $2 and t.confirmed_at < $3 and ${confirmed} < $3
  and (t.asked_at is null or t.asked_at < ${confirmed}) order by t.record_id limit ${pageSize}`;
const unanswered = `${ofCustomers} and t.asked_at < $2 and not t.escalated and t.asked_at >= ${confirmed}
  order by t.record_id limit ${pageSize}`;
const notNewAnyMore = `select f.record_id as id, min(f.at) as confirmed from "${salesFacts.table}" f
  left join ${table} c on c.record_id = f.record_id
  where f.record_id > $1::uuid and f.kind = 'order' and f.stands
  group by f.record_id, c.ordered_until
  having min(f.at) < $2 and (c.ordered_until is null or c.ordered_until < min(f.at))
  order by f.record_id limit ${pageSize}`;

type Found = { id: string; ownerId?: string | null; dueAt?: Instant | null; confirmed: Instant };

/**
 * Notes what time alone brings about, every few minutes. What is to be done is asked of the views each time: a round that was
 * interrupted is made up for by the next one, and a change of the settings counts at once.
 */
@Injectable()
export class CareRounds implements Worker {
  #newSince = '';

  constructor(
    private readonly kernel: Kernel,
    private readonly care: CareOfCustomers,
    private readonly log: Log,
  ) {}

  run(signal: AbortSignal): Promise<void> {
    const { kernel, log } = this;
    return goRound({ name: 'care-round', waits: 'care waits', kernel, log }, () => this.#round(signal), signal);
  }

  async #round(signal: AbortSignal): Promise<void> {
    const settings = await this.care.settings();
    await this.#ask(settings, signal);
    const until = new Date(Date.now() - settings.escalateAfterDays * day);
    await this.#each(unanswered, [until], signal, ({ id: customerId, ownerId, dueAt }) => ({
      type: 'EscalateConfirmation',
      customerId,
      dueAt: utc(dueAt ?? ''),
      ownerId: ownerId ?? undefined,
    }));
    await this.#endNewPeriods(signal);
  }

  async #ask({ confirmAfterDays, askBy: by }: CareSettings, signal: AbortSignal): Promise<void> {
    for (const kind of kinds) {
      const span = confirmAfterDays[kind] * day;
      const since = new Date(Date.now() - span);
      await this.#each(unconfirmed, [kind, since], signal, ({ id: customerId, ownerId, confirmed: last }) => ({
        type: 'AskForConfirmation',
        customerId,
        dueAt: new Date(Date.parse(last) + span).toISOString(),
        by,
        ownerId: ownerId ?? undefined,
      }));
    }
  }

  /** Once a local day: later orders are told of when they come. */
  async #endNewPeriods(signal: AbortSignal): Promise<void> {
    const since = await this.care.newSince();
    if (since === this.#newSince) return;
    await this.#each(notNewAnyMore, [since], signal, ({ id: customerId, confirmed: first }) => ({
      type: 'EndNewCustomerPeriod',
      customerId,
      orderedUntil: utc(first),
    }));
    this.#newSince = since;
  }

  async #each(
    query: string,
    values: readonly unknown[],
    signal: AbortSignal,
    commandFor: (found: Found) => CareCommand,
  ): Promise<void> {
    for (let after = '00000000-0000-0000-0000-000000000000'; !signal.aborted;) {
      const { rows } = await this.kernel.pool.query<Found>({
        text: query,
        values: [after, ...values],
        types: plainTypes,
      });
      await eachOf(rows, atOnce, async (found) => this.care.execute(commandFor(found)));
      const last = rows.at(-1);
      if (!last || rows.length < pageSize) return;
      after = last.id;
    }
  }
}

const utc = (instant: string): Instant => new Date(instant).toISOString();
