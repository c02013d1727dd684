import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { errorForLog, transaction, type Queryable } from '@throughline/event-sourcing';
import { Kernel, Log, ServiceConfig } from '@throughline/service';
import pg from 'pg';
import { grantReaders } from './bi-roles.sql.ts';
import { foundation, publishedViews, type BiView } from './bi-views.sql.ts';

const columnsOf = ({ columns }: BiView) => columns.map(({ name }) => name);

const create = ({ name, columns, from }: BiView) =>
  `create or replace view bi.${name} as select ${columns.map((one) => `${one.sql} as ${one.name}`).join(', ')} ${from}`;

const comments = ({ name, comment, columns }: BiView) => [
  `comment on view bi.${name} is ${pg.escapeLiteral(comment)}`,
  ...columns.map((one) => `comment on column bi.${name}.${one.name} is ${pg.escapeLiteral(one.comment)}`),
];

const statements = [foundation, ...publishedViews.flatMap((view) => [create(view), ...comments(view)])];
const fingerprint = `Throughline BI ${createHash('sha256').update(statements.join(';')).digest('hex').slice(0, 16)}`;

const askMilliseconds = 5_000;

/**
 * Publishes the schema `bi` and its readers when the service starts; every process may, again and again. On an upgrade what
 * is published stands until this release's tables are complete; then all views switch in one transaction.
 */
@Injectable()
export class BiSchema implements OnModuleInit, OnModuleDestroy {
  readonly #stopping = new AbortController();
  #waiting: Promise<void> = Promise.resolve();

  constructor(
    private readonly kernel: Kernel,
    private readonly config: ServiceConfig,
    private readonly log: Log,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!(await this.#publishOnce())) this.#waiting = this.#publishLater(this.#stopping.signal);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#waiting;
  }

  async #publishLater(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(askMilliseconds, undefined, { signal }).catch(() => undefined);
      try {
        if (!signal.aborted && (await this.#publishOnce())) return;
      } catch (error) {
        this.log.warn('bi waits', errorForLog(error));
      }
    }
  }

  /** False where what is published has to stand for now. */
  async #publishOnce(): Promise<boolean> {
    return transaction(this.kernel.pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtext('throughline:bi'))`);
      await client.query('create schema if not exists bi');
      const present = await columnsPresent(client);
      const published = await isPublished(client);
      if (!published && present.size > 0 && !(await this.kernel.views.tables.mayTakeOver('bi'))) return false;
      if (!published) await this.#publish(client, present);
      if (this.config.biPassword) await grantReaders(client, this.config, this.config.biPassword, this.log);
      return true;
    });
  }

  async #publish(client: Queryable, present: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const lost = publishedViews.flatMap((view) =>
      (present.get(view.name) ?? []).filter((name) => !columnsOf(view).includes(name)),
    );
    if (lost.length > 0) {
      // A pod of the release before, started while the new one is being rolled out.
      this.log.warn('bi was published by a newer release; left as it is', { columns: lost });
      return;
    }
    await client.query(foundation);
    for (const view of publishedViews) {
      // Postgres appends columns to a view in place; anything else needs a new one.
      const grown = (present.get(view.name) ?? []).every((name, index) => columnsOf(view)[index] === name);
      if (!grown) await client.query(`drop view bi.${view.name}`);
      await client.query([create(view), ...comments(view)].join(';\n'));
    }
    await client.query(`comment on schema bi is '${fingerprint}'`);
  }
}

/** Whether this release's views stand already: replacing them would wait for every query that runs on them. */
async function isPublished(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ comment: string | null; views: number }>(
    `select obj_description('bi'::regnamespace, 'pg_namespace') as comment,
       (select count(*)::int from pg_views where schemaname = 'bi') as views`,
  );
  return rows[0]?.comment === fingerprint && rows[0].views >= publishedViews.length;
}

async function columnsPresent(client: Queryable): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select v.relname as name, array_agg(c.attname::text order by c.attnum) as columns
     from pg_class v join pg_attribute c on c.attrelid = v.oid
     where v.relnamespace = 'bi'::regnamespace and v.relkind = 'v' and c.attnum > 0 group by v.relname`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}
