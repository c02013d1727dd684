import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { errorForLog, type Queryable } from '@throughline/event-sourcing';
import { Kernel, Log, ServiceConfig } from '@throughline/service';
import { biRoles, longestQuerySeconds } from './bi-roles.sql.ts';

const pauseMilliseconds = 10_000;

/**
 * Ends what BI readers leave running beyond their limit. Postgres lets every session lift its own `statement_timeout`, so
 * the limit is kept from outside.
 */
@Injectable()
export class BiWatchdog {
  constructor(
    private readonly kernel: Kernel,
    private readonly config: ServiceConfig,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const roles = Object.values(biRoles(this.config));
    if (!(await maySignal(this.kernel.pool).catch(() => true))) {
      this.log.warn('the limit of BI queries cannot be kept: grant pg_signal_backend and pg_read_all_stats');
      return;
    }
    while (!signal.aborted) {
      try {
        const ended = await endLongWork(this.kernel.pool, roles, longestQuerySeconds);
        if (ended > 0) this.log.warn('BI queries were ended', { ended });
      } catch (error) {
        this.log.warn('BI queries are not watched', errorForLog(error));
      }
      await sleep(pauseMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function maySignal(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select bool_and(pg_has_role(role, 'usage')) as may from unnest('{pg_signal_backend,pg_read_all_stats}'::text[]) role`,
  );
  return rows[0]?.may ?? false;
}

/**
 * Cancels queries in this database by members of the roles that run longer than that; ends sessions whose transactions
 * are idle as long, and those that catch the cancellation and go on.
 *
 * @returns how many there were
 */
export async function endLongWork(client: Queryable, roles: readonly string[], seconds: number): Promise<number> {
  const { rowCount } = await client.query(
    `select case when a.state = 'active' and a.query_start > now() - $2 * interval '2 seconds'
        then pg_cancel_backend(a.pid) else pg_terminate_backend(a.pid) end
     from pg_stat_activity a join pg_roles who on who.oid = a.usesysid
     where a.datname = current_database() and not who.rolsuper and who.rolname <> current_user
       and exists (select from pg_roles r where r.rolname = any($1) and pg_has_role(a.usesysid, r.oid, 'usage'))
       and case when a.state = 'active' then a.query_start when a.state like 'idle in transaction%' then a.state_change end
         < now() - $2 * interval '1 second'`,
    [roles, seconds],
  );
  return rowCount ?? 0;
}
