import type { PoolClient } from 'pg';
import type { BrokenKeys } from './fold-events.ts';
import type { SubscriptionLog } from './subscription.ts';

/** The keys of one view that stand still, in the database: until somebody folds them anew, also over restarts. */
export class StoredBrokenKeys implements BrokenKeys {
  /** As last looked at; asked anew only for these. */
  #known: Set<string> | undefined;

  constructor(
    private readonly view: string,
    private readonly log: SubscriptionLog,
  ) {}

  /** Another process may have mended or marked some. */
  forget(): void {
    this.#known = undefined;
  }

  async among(client: PoolClient, keys: { has: (key: string) => boolean }): Promise<readonly string[]> {
    this.#known ??= new Set(await this.all(client));
    const known = this.#known;
    const asked = [...known].filter((key) => keys.has(key));
    if (asked.length === 0) return [];
    const { rows } = await client.query<{ key: string }>(
      'select key from broken_keys where view = $1 and key = any($2)',
      [this.view, asked],
    );
    for (const key of asked) known.delete(key);
    for (const { key } of rows) known.add(key);
    return rows.map(({ key }) => key);
  }

  async all(client: Pick<PoolClient, 'query'>): Promise<string[]> {
    const { rows } = await client.query<{ key: string }>('select key from broken_keys where view = $1', [this.view]);
    return rows.map(({ key }) => key);
  }

  async mark(client: PoolClient, key: string, position: number, error: Error & { code?: string }): Promise<void> {
    const { name = 'Error', code, stack } = Object(error) as Partial<typeof error>;
    // The database's own messages quote values, which may be personal.
    this.log.error('view key broken', { view: this.view, position, ...(code === undefined ? { stack } : { code }) });
    this.#known?.add(key);
    await client.query(
      `insert into broken_keys (view, key, position, error) values ($1, $2, $3, $4) on conflict (view, key) do nothing`,
      [this.view, key, position, code ?? name],
    );
  }
}
