import type { ServiceName } from '@throughline/contracts';
import { dictionary } from '@throughline/contracts';
import {
  Codec,
  Commands,
  EventStore,
  PostgresKeyring,
  StoreFeed,
  ViewRunner,
  checkpointOf,
  conflict,
  gathered,
  leastPosition,
  migrateStore,
  passed,
  secretsFrom,
  type Fold,
  type Keyring,
  type Pool,
  type Queryable,
  type Secrets,
} from '@throughline/event-sourcing';
import pg from 'pg';
import { DataSource } from 'typeorm';
import type { ServiceConfig } from './config.ts';
import type { Log } from './log.ts';
import { metersOf, type Meters } from './meters.ts';
import { SnakeNames } from './naming.ts';
import { SameStore } from './same-store.ts';
import type { ServiceDefinition } from './service.ts';

const allEvents = Object.assign({}, ...Object.values(dictionary)) as (typeof dictionary)['sales'];

/** TypeORM's own migrations know no lock: of several processes that start at once, one makes the tables. */
async function migrateTables(dataSource: DataSource, pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtext('throughline:migrations'))`);
    await dataSource.runMigrations();
  } finally {
    // The lock goes with the connection.
    client.release(true);
  }
}

const queryMilliseconds = 60_000;
/** As long as whoever waits for views does not look whether he still has to. */
const lookMilliseconds = 1_000;

type FoldOf = Pick<Fold, 'table' | 'feed'>;

/** Waits until something outside of the views has caught up as well, such as a search engine. */
export type Fence = (milliseconds: number) => Promise<boolean>;

/** Everything of one service below its Nest edge. */
export class Kernel {
  readonly #stopping = new AbortController();
  readonly #fences = new Map<string, Fence>();
  readonly #conditions: (() => Promise<boolean>)[] = [];
  readonly #feed: StoreFeed;
  /** Feed -> how far all of this service's views have come. */
  readonly #reached = gathered(
    async (feeds: readonly string[]) =>
      new Map(
        await Promise.all(
          feeds.map(async (feed) => [feed, await leastPosition(this.pool, this.#viewsOf(feed), feed)] as const),
        ),
      ),
  );

  private constructor(
    readonly service: ServiceName,
    readonly databaseUrl: string,
    readonly dataSource: DataSource,
    readonly pool: Pool,
    private readonly keyringPool: Pool,
    readonly keyring: Keyring,
    readonly secrets: Secrets,
    readonly codec: Codec,
    readonly store: EventStore,
    readonly commands: Commands,
    readonly views: ViewRunner,
    readonly meters: Meters,
    readonly definition: ServiceDefinition,
    private readonly sameStore: SameStore,
  ) {
    this.#feed = new StoreFeed(service, store);
  }

  /** Opens the databases, makes and migrates what is missing. */
  static async open(definition: ServiceDefinition, config: ServiceConfig, log: Log): Promise<Kernel> {
    const { name, folds = [], documents = [], entities = [], migrations = [] } = definition;
    const secrets = secretsFrom(config.masterKey);
    const urlOf = async (database: string) => {
      await createDatabase(config.databaseUrl, config.databasePrefix + database);
      return databaseUrl(config.databaseUrl, config.databasePrefix + database);
    };
    const keyringPool = quiet(new pg.Pool({ connectionString: await urlOf('keyring'), max: 4 }));
    const keyring = new PostgresKeyring(keyringPool, secrets, config.keyCacheSeconds * 1_000);
    await keyring.migrate();
    const url = await urlOf(name);
    const sameStore = new SameStore();
    const dataSource = await new DataSource({
      type: 'postgres',
      url,
      entities: [...folds.map((fold) => (fold as unknown as { entity: new () => object }).entity), ...entities],
      migrations: migrations as never,
      migrationsTableName: 'migrations',
      namingStrategy: new SnakeNames(),
      poolSize: 12,
      poolErrorHandler: () => undefined,
      // Compiling takes longer than most statements do. A connection that hangs must not hold up the others for ever.
      extra: { options: '-c timezone=UTC -c jit=off', query_timeout: queryMilliseconds, onConnect: sameStore.check },
    }).initialize();
    const pool = quiet((dataSource.driver as unknown as { master: Pool }).master);
    await migrateStore(pool);
    await migrateTables(dataSource, pool);
    const codec = new Codec(allEvents, keyring);
    const store = new EventStore(pool, codec, secrets.key('hash-chain'));
    sameStore.expect(await store.generation());
    const views = new ViewRunner(dataSource, pool, codec, folds, documents, log);
    await views.migrate();
    const commands = new Commands(store, secrets);
    const meters = metersOf(name);
    store.on('answered', meters.append).on('statement', meters.statement);
    return new Kernel(
      name,
      url,
      dataSource,
      pool,
      keyringPool,
      keyring,
      secrets,
      codec,
      store,
      commands,
      views,
      meters,
      definition,
      sameStore,
    );
  }

  /** This service's own log. */
  feed(): StoreFeed {
    return this.#feed;
  }

  /** Whether another store took the place of the one that was opened: only a new process can go on with it. */
  get isReplaced(): boolean {
    return this.sameStore.isReplaced;
  }

  /** @throws StoreReplaced where a connection leads to another store than the one that was opened */
  checkStore(client: Queryable): Promise<void> {
    return this.sameStore.check(client);
  }

  /** Something besides the database that this service is not ready without. */
  addCondition(condition: () => Promise<boolean>): void {
    this.#conditions.push(condition);
  }

  async ready(): Promise<boolean> {
    await this.pool.query('select 1');
    if (!(await this.views.tables.ready())) return false;
    for (const condition of this.#conditions) if (!(await condition())) return false;
    return true;
  }

  addFence(name: string, fence: Fence): void {
    this.#fences.set(name, fence);
  }

  /**
   * Waits until this service's views have passed the positions.
   *
   * @param fence name of what has to have caught up with the views besides
   * @returns false where the time ran out: the answer is stale
   */
  async caughtUp(positions: ReadonlyMap<string, number>, milliseconds: number, fence?: string): Promise<boolean> {
    const askedAt = performance.now();
    const passed = await this.#passed(positions, milliseconds, fence);
    this.meters.fence((performance.now() - askedAt) / 1_000, passed);
    return passed;
  }

  /** Ends what follows logs, and whoever waits for views: they do not move any more. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Aborts when the service is stopped. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Waits until all views hold what is recorded by now of this service's own log, or `signal` aborts. */
  async holdsAll(signal: AbortSignal): Promise<void> {
    const recorded = new Map([[this.service as string, await this.feed().head()]]);
    while (!signal.aborted && !(await this.caughtUp(recorded, lookMilliseconds)));
  }

  /**
   * Waits until single views of one feed have passed a position of it.
   *
   * @throws Refusal `too-busy` where the time ran out, or the service is stopped
   */
  async viewsHold(views: readonly [FoldOf, ...FoldOf[]], position: number, milliseconds: number): Promise<void> {
    const [{ feed }] = views;
    const names = views.map(checkpointOf);
    if (!(await passed(this.pool, names, feed, position, milliseconds, this.stopping))) throw conflict('too-busy');
  }

  async #passed(positions: ReadonlyMap<string, number>, milliseconds: number, fence?: string): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    for (const [feed, position] of positions) {
      if (((await this.#reached([feed])).get(feed) ?? 0) >= position) continue;
      const names = this.#viewsOf(feed);
      if (!(await passed(this.pool, names, feed, position, deadline - Date.now(), this.stopping))) return false;
    }
    const beside = fence === undefined ? undefined : this.#fences.get(fence);
    return beside === undefined || beside(deadline - Date.now());
  }

  /** The checkpoints of this service's views over a feed. */
  #viewsOf(feed: string): string[] {
    const folds = (this.definition.folds ?? []) as unknown as { table: string; feed: string }[];
    return folds.filter((fold) => fold.feed === feed).map(checkpointOf);
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.keyringPool.end();
  }
}

/** A server that goes away is noticed by the next query, not by a crash. */
const quiet = (pool: Pool): Pool => pool.on('error', () => undefined);

export function databaseUrl(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

/** Where BI tools read: the analytics database, as the role that sees schema `bi` only. */
export function biConnectionString(config: ServiceConfig): string {
  const url = new URL(databaseUrl(config.databaseUrl, `${config.databasePrefix}analytics`));
  url.username = `${config.databasePrefix}bi_reader`;
  url.password = config.biPassword ?? '';
  return url.href;
}

/** Makes a database unless it is there. */
export async function createDatabase(server: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(server, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      await client.query(`create database ${pg.escapeIdentifier(name)}`);
      // Postgres lets every role in: a BI reader has no business here unless it is given one.
      await client.query(`revoke connect, temporary on database ${pg.escapeIdentifier(name)} from public`);
    }
  } catch (error) {
    // Another process made it at the same moment.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error;
  } finally {
    await client.end();
  }
}
