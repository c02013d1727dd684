import type { Instant } from '@throughline/contracts';
import { plainTypes, type Pool } from './database.ts';
import { conflict, notFound } from './refusal.ts';
import type { ViewJobKind, ViewJobResult } from './view-jobs.ts';

/** Where a view, a policy or the relay stands in a log. */
export type SubscriptionStatus = {
  /** `view:<table>`, `policy:<name>` or `relay`. */
  subscription: string;
  feed: string;
  position: number;
  /** Whether a view has seen, at least once, all that there was when it started. */
  caughtUp: boolean;
  /** When it last moved. */
  movedAt: Instant;
  /** What holds it up: `unknown-event`, `generation-changed` and `breaker-open` need somebody, `waiting` goes away. */
  fault: { code: string; detail: string; since: Instant; lastAt: Instant } | null;
};

export type ViewStatus = {
  table: string;
  view: string;
  version: number;
  kind: 'fold' | 'document';
  /** When a process last said that it keeps the table up to date. */
  usedAt: Instant;
  position: number;
  caughtUp: boolean;
  brokenKeys: number;
  job: ViewJob | null;
};

export type ViewJob = {
  id: number;
  table: string;
  kind: ViewJobKind;
  state: 'wanted' | 'running' | 'done' | 'failed';
  /** How far it is: positions of the feed, or documents. */
  position: number;
  target: number;
  result: ViewJobResult | { error: string } | null;
  requestedBy: string;
  requestedAt: Instant;
  finishedAt: Instant | null;
};

const jobColumns = `id, table_name as "table", kind, state, position, target, result, requested_by as "requestedBy",
  requested_at as "requestedAt", finished_at as "finishedAt"`;

/** What operators see of one service's views, policies and relay, and what they ask of them. */
export class Operations {
  constructor(private readonly pool: Pool) {}

  async subscriptions(): Promise<SubscriptionStatus[]> {
    return this.#rows(
      `select c.subscription, c.feed, c.position, (c.caught_up or c.subscription not like 'view:%') as "caughtUp", c.updated_at as "movedAt",
         case when f.code is not null then json_build_object('code', f.code, 'detail', f.detail, 'since', f.since,
           'lastAt', f.last_at) end as fault
       from checkpoints c left join subscription_faults f using (subscription, feed)
       where c.feed <> 'folds' order by subscription, feed`,
    );
  }

  /**
   * Lets a policy or the relay go on with a log that took the place of its own. What a policy did before it does not do
   * again: its commands are remembered by the events' ids.
   *
   * @param position where it goes on; asked only where there is such a subscription
   * @throws Refusal `subscription-not-found`; `subscription-is-a-view` (to be rebuilt)
   */
  async resume(subscription: string, feed: string, position: () => Promise<number>): Promise<number> {
    const [found] = await this.#rows('select from checkpoints where subscription = $1 and feed = $2', [
      subscription,
      feed,
    ]);
    if (!found) throw notFound('subscription-not-found');
    if (subscription.startsWith('view:')) throw conflict('subscription-is-a-view');
    const to = await position();
    await this.pool.query(
      `update checkpoints set position = $3, generation = null, epoch = epoch + 1
       where subscription = $1 and feed = $2`,
      [subscription, feed, to],
    );
    return to;
  }

  async views(): Promise<ViewStatus[]> {
    return this.#rows(
      `select t.table_name as "table", t.view, t.version, t.kind, t.used_at as "usedAt",
         coalesce(c.position, 0) as position, coalesce(c.caught_up or t.kind = 'document', false) as "caughtUp",
         (select count(*) from broken_keys b where b.view = t.table_name) as "brokenKeys",
         (select row_to_json(j) from (select ${jobColumns} from view_jobs j where j.table_name = t.table_name
           order by id desc limit 1) j) as job
       from view_tables t left join checkpoints c on c.subscription = 'view:' || t.table_name
       order by t.view, t.version`,
    );
  }

  /**
   * Asks whoever keeps the view to do it; the newest table of a view's name, or the table named. A rebuild takes the
   * place of a job that waits to mend the view: it mends as well.
   *
   * @throws Refusal `view-not-found`; `view-job-exists` (one at a time)
   */
  async request(view: string, kind: ViewJobKind, by: string): Promise<ViewJob> {
    const [found] = await this.#rows<{ table: string }>(
      `select table_name as "table" from view_tables where view = $1 or table_name = $1 order by version desc limit 1`,
      [view],
    );
    if (!found) throw notFound('view-not-found');
    const [job] = await this.#rows<ViewJob>(
      `with replaced as (
         delete from view_jobs where table_name = $1 and kind = 'mend' and state = 'wanted' and $2 = 'rebuild'
         returning id
       )
       insert into view_jobs (table_name, kind, requested_by) select $1, $2, $3
       where not exists (
         select from view_jobs where table_name = $1 and state in ('wanted', 'running')
           and id not in (select id from replaced)
       )
       returning ${jobColumns}`,
      [found.table, kind, by],
    );
    if (!job) throw conflict('view-job-exists');
    return job;
  }

  /** @throws Refusal `view-job-not-found` */
  async job(id: number): Promise<ViewJob> {
    const [job] = await this.#rows<ViewJob>(`select ${jobColumns} from view_jobs where id = $1`, [id]);
    if (!job) throw notFound('view-job-not-found');
    return job;
  }

  /** Keys at which a view's code throws; nothing of what they hold. */
  async brokenKeys(
    limit: number,
  ): Promise<{ view: string; key: string; position: number; error: string; since: Instant }[]> {
    return this.#rows('select view, key, position, error, since from broken_keys order by since, id limit $1', [limit]);
  }

  async #rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>({ text, values, types: plainTypes })).rows;
  }
}
