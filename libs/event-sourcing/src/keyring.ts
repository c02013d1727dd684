import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { open, seal, type Secrets } from './crypto.ts';
import { plainTypes, type Pool } from './database.ts';
import { gathered } from './gather.ts';

/** One key a data subject; nothing else may ever be asked of it. */
export interface Keyring {
  /**
   * The keys of the subjects. Subjects whose key was destroyed are missing in the answer.
   *
   * @param create makes keys for subjects that never had one (for writing)
   */
  keysFor(subjects: readonly string[], create?: boolean): Promise<ReadonlyMap<string, KeyObject>>;
  /**
   * Subjects whose key was destroyed, in the order of their numbers, in pages above one. A number is given while the key is
   * destroyed: who has seen a page may miss a lower one only where that destruction had begun before.
   */
  destroyed(above: number, limit: number): Promise<readonly Destroyed[]>;
  /** Those of the subjects whose key was destroyed. */
  destroyedOf(subjects: readonly string[]): Promise<ReadonlySet<string>>;
  /** Destroys a subject's key for ever: all that was encrypted with it reads as `Erased`. A tombstone stays. */
  destroy(subject: string): Promise<void>;
}

export type Destroyed = { subject: string; number: number };

/** The longest that a key may be remembered. */
const longestCache = 60_000;
const cacheSize = 50_000;

/** `wrapped` is null where the key was destroyed. */
type KeyRow = { subject: string; wrapped: Buffer | null; is_made?: boolean };
/** Undefined where the key was destroyed; subjects that never had one are missing. */
type Keys = ReadonlyMap<string, KeyObject | undefined>;

/** By a trigger: releases from before, and a restore that brings tombstones along, know nothing of numbers. */
const numbered = `
create sequence if not exists destructions;
do $$ begin
  if not exists (select from pg_attribute where attrelid = 'keys'::regclass and attname = 'destruction') then
    alter table keys add column destruction bigint;
    update keys set destruction = nextval('destructions') where wrapped is null;
    create unique index keys_by_destruction on keys (destruction) where destruction is not null;
    create function number_destruction() returns trigger language plpgsql as $number$
    begin
      new.destruction := nextval('destructions');
      return new;
    end $number$;
    create trigger number_destruction before insert or update on keys for each row
      when (new.wrapped is null and new.destruction is null) execute function number_destruction();
  end if;
end $$`;

/** The keyring in its own database, keys wrapped by the master key. */
export class PostgresKeyring implements Keyring {
  readonly #cache = new Map<string, { key: KeyObject | undefined; until: number }>();
  readonly #master: KeyObject;
  /** Keys that are made at the same time are made in one statement: each would cost a commit. */
  readonly #readOrMake = gathered((subjects: readonly string[]) => this.#make(subjects.toSorted()));
  readonly #read = gathered((subjects: readonly string[]) => this.#find(subjects));

  constructor(
    private readonly pool: Pool,
    secrets: Secrets,
    private readonly cacheMilliseconds = longestCache,
    private readonly now: () => number = Date.now,
  ) {
    this.#master = secrets.key('keyring');
  }

  async migrate(): Promise<void> {
    // Services start at once and share this database; one text is one transaction.
    await this.pool.query(`
      select pg_advisory_xact_lock(hashtext('throughline:keyring'));
      create table if not exists keys (
        subject text primary key,
        wrapped bytea,
        created_at timestamptz not null default now(),
        destroyed_at timestamptz
      );
      ${numbered}`);
  }

  async keysFor(subjects: readonly string[], create = false): Promise<ReadonlyMap<string, KeyObject>> {
    const found = new Map<string, KeyObject>();
    const asked: string[] = [];
    const now = this.now();
    for (const subject of new Set(subjects)) {
      const cached = this.#cache.get(subject);
      if (!cached || cached.until < now) asked.push(subject);
      else if (cached.key) found.set(subject, cached.key);
    }
    if (asked.length === 0) return found;
    const keys = create ? await this.#readOrMake(asked) : await this.#read(asked);
    if (this.#cache.size > cacheSize) this.#cache.clear();
    for (const subject of asked) {
      if (!keys.has(subject)) continue;
      const key = keys.get(subject);
      this.#cache.set(subject, { key, until: now + this.cacheMilliseconds });
      if (key) found.set(subject, key);
    }
    return found;
  }

  async #make(subjects: readonly string[]): Promise<Keys> {
    const fresh = new Map(
      subjects.map((subject) => {
        const key = randomBytes(32);
        return [subject, { key: createSecretKey(key), wrapped: seal(this.#master, key, subject) }];
      }),
    );
    const { rows } = await this.pool.query<KeyRow>({
      name: 'make-keys',
      text: `with made as (
          insert into keys (subject, wrapped) select * from unnest($1::text[], $2::bytea[])
          on conflict (subject) do nothing returning subject
        )
        select subject, null::bytea as wrapped, true as is_made from made
        union all select subject, wrapped, false from keys where subject = any($1)`,
      values: [subjects, [...fresh.values()].map(({ wrapped }) => wrapped)],
    });
    const found = new Map(
      rows.map((row) => [row.subject, row.is_made ? fresh.get(row.subject)?.key : this.#unwrapped(row)]),
    );
    // Made by another process while the statement ran: neither made here nor seen yet.
    const unseen = subjects.filter((subject) => !found.has(subject));
    if (unseen.length > 0) for (const [subject, key] of await this.#read(unseen)) found.set(subject, key);
    return found;
  }

  async destroyed(above: number, limit: number): Promise<readonly Destroyed[]> {
    const { rows } = await this.pool.query<Destroyed>({
      text: 'select subject, destruction as number from keys where destruction > $1 order by destruction limit $2',
      values: [above, limit],
      types: plainTypes,
    });
    return rows;
  }

  async destroyedOf(subjects: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.pool.query<{ subject: string }>(
      'select subject from keys where subject = any($1) and wrapped is null',
      [subjects],
    );
    return new Set(rows.map(({ subject }) => subject));
  }

  async destroy(subject: string): Promise<void> {
    await this.pool.query(
      `insert into keys (subject, destroyed_at) values ($1, now())
       on conflict (subject) do update set wrapped = null, destroyed_at = coalesce(keys.destroyed_at, now())`,
      [subject],
    );
    this.#cache.delete(subject);
  }

  async #find(subjects: readonly string[]): Promise<Keys> {
    const { rows } = await this.pool.query<KeyRow>({
      name: 'read-keys',
      text: 'select subject, wrapped from keys where subject = any($1)',
      values: [subjects],
    });
    return new Map(rows.map((row) => [row.subject, this.#unwrapped(row)]));
  }

  #unwrapped({ subject, wrapped }: Pick<KeyRow, 'subject' | 'wrapped'>): KeyObject | undefined {
    return wrapped ? createSecretKey(open(this.#master, wrapped, subject)) : undefined;
  }
}
