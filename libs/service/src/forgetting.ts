import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { ErasureEvent, ForgettingEvent, RecordedOf } from '@throughline/contracts';
import {
  Commands,
  derivedId,
  elementsOf,
  errorForLog,
  isTransient,
  runInContext,
  systemContext,
  type Decider,
} from '@throughline/event-sourcing';
import { ServiceConfig } from './config.ts';
import { Kernel } from './kernel.ts';
import { Log } from './log.ts';
import type { PolicyPattern } from './policy-transport.ts';
import { StillNeeded, type Forgets } from './service.ts';

type PersonErased = RecordedOf<Extract<ErasureEvent, { type: 'PersonErased' }>>;
type ForgettingCommand = { type: 'Forget'; erasureId: string; customerId: string };

/** A service's word that it holds nothing of a person any more. */
export const forgetting: Decider<boolean, ForgettingCommand, ForgettingEvent> = {
  category: 'forgetting',
  initial: false,
  decide: (said, { erasureId, customerId }) => (said ? [] : [{ type: 'PersonForgotten', erasureId, customerId }]),
  evolve: () => true,
};

const askMilliseconds = 1_000;
/** Beyond the time for which keys are remembered: batches under way were decoded with them. */
const marginMilliseconds = 2_000;

const on: PolicyPattern = { policy: 'forget-person-when-erased', event: 'PersonErased', from: 'beginning' };

/** In every service: what was derived from the data of a person whose key was destroyed has to go. */
@Controller()
export class ForgetPersonWhenErased {
  constructor(
    private readonly kernel: Kernel,
    private readonly config: ServiceConfig,
  ) {}

  @EventPattern(on)
  async erased(@Payload() { stream, data }: PersonErased) {
    const wait = this.config.keyCacheSeconds * 1_000 + marginMilliseconds;
    await this.kernel.pool.query(
      `insert into forgettings (erasure_id, subject, not_before)
       values ($1, $2, now() + $3 * interval '1 millisecond') on conflict do nothing`,
      [stream.id, data.customerId, wait],
    );
  }
}

type Row = { erasureId: string; subject: string };

/**
 * Waits until no process can know the key any more, has every view fold the person's keys anew, lets the service's own
 * stores forget, and then says so; for all who are to be forgotten together.
 */
@Injectable()
export class Forgetting {
  /** Erasures of which was said that they wait for something that is needed still. */
  readonly #waiting = new Set<string>();

  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly modules: ModuleRef,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#goOn(signal);
      } catch (error) {
        this.#complain(signal, error);
      }
      await sleep(askMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  #complain(signal: AbortSignal, error: unknown): void {
    if (!signal.aborted && !isTransient(error)) this.log.error('an erasure waits', errorForLog(error));
  }

  #sayOnce({ erasureId }: Row, { message }: StillNeeded): void {
    if (!this.#waiting.has(erasureId)) this.log.info('an erasure waits', { erasure: erasureId, reason: message });
    this.#waiting.add(erasureId);
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    const { pool, views, definition } = this.kernel;
    const { rowCount } = await pool.query('select from forgettings where not_before <= now() limit 1');
    if (rowCount === 0) return;
    await this.#ask();
    // Tables of a release that is gone are dropped: nobody would fold them anew.
    await views.tables.dropAbandoned();
    await this.#askAgain();
    const forgotten: Row[] = [];
    for (const row of await this.#folded()) {
      try {
        for (const keeper of definition.forgets ?? []) {
          await this.modules.get<Forgets>(keeper, { strict: false }).forget(row.subject);
        }
        forgotten.push(row);
      } catch (error) {
        if (error instanceof StillNeeded) this.#sayOnce(row, error);
        else this.#complain(signal, error);
      }
    }
    if (forgotten.length === 0) return;
    await this.#clean();
    for (const row of forgotten) await this.#sayForgotten(row);
  }

  /** Those whose keys every view has folded anew. */
  async #folded(): Promise<readonly Row[]> {
    const { rows } = await this.kernel.pool.query<Row>(
      `with folds as (select table_name from view_tables where kind = 'fold'), done as (
         select subject, count(distinct table_name) as views from view_jobs join folds using (table_name)
         where kind = 'forget' and state = 'done' and subject in (select subject from forgettings) group by subject
       )
       select erasure_id as "erasureId", subject from forgettings left join done using (subject)
       where asked and coalesce(done.views, 0) = (select count(*) from folds)`,
    );
    return rows;
  }

  async #sayForgotten({ erasureId, subject }: Row): Promise<void> {
    const { service } = this.kernel;
    const context = { ...systemContext(service), commandId: derivedId('forgetting', erasureId) };
    await runInContext(context, () =>
      this.commands.execute(forgetting, erasureId, { type: 'Forget', erasureId, customerId: subject }),
    );
    await this.kernel.pool.query('delete from forgettings where erasure_id = $1', [erasureId]);
    this.#waiting.delete(erasureId);
  }

  /** What failed is tried again, now and then. */
  async #askAgain(): Promise<void> {
    await this.kernel.pool.query(
      `insert into view_jobs (table_name, kind, subject, requested_by)
       select distinct table_name, 'forget', subject, requested_by from view_jobs f
       where kind = 'forget' and subject in (select subject from forgettings where asked)
         and state = 'failed' and finished_at < now() - interval '1 minute'
         and not exists (select from view_jobs j where j.table_name = f.table_name and j.subject = f.subject and j.id > f.id)`,
    );
  }

  /** What Postgres itself remembers of rows that are gone: samples for the planner, and the rows until they are vacuumed. */
  async #clean(): Promise<void> {
    const { pool } = this.kernel;
    const { rows } = await pool.query<{ table: string }>(
      `select name as table from view_tables, unnest(array[table_name, table_name || $1::text]) as name
       where to_regclass(quote_ident(name)) is not null`,
      [elementsOf({ table: '' })],
    );
    for (const { table } of rows) await pool.query(`vacuum (analyze) "${table}"`);
  }

  async #ask(): Promise<void> {
    await this.kernel.pool.query(
      `with asked as (
         update forgettings set asked = true where not asked and not_before <= now() returning erasure_id, subject
       )
       insert into view_jobs (table_name, kind, subject, requested_by)
       select table_name, 'forget', subject, 'erasure:' || erasure_id from asked cross join view_tables where kind = 'fold'`,
    );
  }
}
