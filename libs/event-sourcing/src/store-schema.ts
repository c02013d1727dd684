import { transaction, type Pool } from './database.ts';

const first = `
create table store (
  only_row boolean primary key default true check (only_row),
  schema_version int not null,
  generation uuid not null default gen_random_uuid()
);
insert into store (schema_version) values (1);

-- cache 1: positions are handed out in the order of asking
create sequence events_position cache 1;

create table streams (
  type text not null,
  id uuid not null,
  version int not null,
  previous int not null,
  primary key (type, id)
);

-- json, not jsonb: the hash chain covers the text as it was written
create table events (
  position bigint primary key,
  id uuid not null unique,
  stream_type text not null,
  stream_id uuid not null,
  version int not null,
  type text not null,
  schema_version smallint not null,
  data json not null,
  personal json,
  meta json not null,
  command_id text not null,
  batch_id text,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  effective_at timestamptz not null,
  hash bytea not null,
  unique (stream_type, stream_id, version)
);
create index events_command on events (command_id);
create index events_batch on events (batch_id) where batch_id is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'events are append-only' using errcode = 'TL000';
end $$;
create trigger append_only before update or delete on events for each row execute function refuse_change();
create trigger append_only_all before truncate on events for each statement execute function refuse_change();

create table commands (
  id text primary key,
  actor text not null,
  body_hash bytea not null,
  outcome json not null,
  position bigint,
  recorded_at timestamptz not null default now()
);

create table claims (
  category text not null,
  key text not null,
  stream_id uuid not null,
  primary key (category, key)
);
create index claims_by_stream on claims (category, stream_id);

-- fails the whole statement where a claim is taken or a command was already carried out
create function guard(ok boolean, code text) returns boolean language plpgsql as $$
begin
  if not ok then
    raise exception '%', code using errcode = 'TL001';
  end if;
  return true;
end $$;

create table checkpoints (
  subscription text not null,
  feed text not null,
  position bigint not null,
  epoch bigint not null,
  generation uuid,
  updated_at timestamptz not null default now(),
  primary key (subscription, feed)
);

create table document_revisions (
  document text not null,
  key text not null,
  rev bigint not null,
  primary key (document, key)
);

create table broken_keys (
  view text not null,
  key text not null,
  position bigint not null,
  error text not null,
  since timestamptz not null default now(),
  primary key (view, key)
);

create table dead_letters (
  policy text not null,
  feed text not null,
  position bigint not null,
  key text not null,
  event_id uuid not null,
  event_type text not null,
  error text not null,
  parked_at timestamptz not null default now(),
  primary key (policy, feed, position)
);
create index dead_letters_by_key on dead_letters (policy, key);
`;

/** What operators see and do: what stands still and why, what was parked, which tables views have. */
const operations = `
create table subscription_faults (
  subscription text not null,
  feed text not null,
  code text not null,
  detail text not null,
  since timestamptz not null default now(),
  last_at timestamptz not null default now(),
  primary key (subscription, feed)
);

alter table dead_letters
  add column id bigint generated always as identity unique,
  add column state text not null default 'parked' check (state in ('parked', 'retrying', 'handled', 'discarded')),
  add column attempts int not null default 1,
  add column settled_at timestamptz,
  add column settled_by text,
  add column reason text;
drop index dead_letters_by_key;
create index dead_letters_by_key on dead_letters (policy, feed, key, position) where state in ('parked', 'retrying');

alter table broken_keys add column id bigint generated always as identity unique;

alter table checkpoints add column caught_up boolean not null default false;

-- which table holds which view, and when somebody last kept it up to date
create table view_tables (
  table_name text primary key,
  view text not null,
  version int not null,
  kind text not null check (kind in ('fold', 'document')),
  used_at timestamptz not null default now()
);
-- which documents a fold touches, in whatever release
create table view_touches (
  fold_table text not null,
  document_table text not null,
  primary key (fold_table, document_table)
);
-- rows that came, changed or went, for documents which the one who folded does not know
create table foreign_touches (
  id bigint generated always as identity primary key,
  document_table text not null,
  fold_table text not null,
  row json not null
);

create table view_jobs (
  id bigint generated always as identity primary key,
  table_name text not null,
  kind text not null check (kind in ('rebuild', 'verify', 'mend', 'forget')),
  subject text,
  state text not null default 'wanted' check (state in ('wanted', 'running', 'done', 'failed')),
  position bigint not null default 0,
  target bigint not null default 0,
  result json,
  requested_by text not null,
  requested_at timestamptz not null default now(),
  finished_at timestamptz
);

-- what could not be read on a topic, to the byte, encrypted
create table dead_messages (
  id bigint generated always as identity unique,
  topic text not null,
  message_offset bigint not null,
  reason text not null,
  sealed bytea not null,
  at timestamptz not null default now(),
  discarded_at timestamptz,
  discarded_by text,
  discarded_because text,
  primary key (topic, message_offset)
);

-- people whose keys were destroyed, until all that was derived from their data is made anew without it
create table forgettings (
  erasure_id uuid primary key,
  subject text not null,
  not_before timestamptz not null,
  asked boolean not null default false
);
`;

/** What a batch wrote can be paged. */
const batches = `
drop index events_batch;
create index events_batch on events (batch_id, position) where batch_id is not null;
`;

/** Rows come in the order of time, so that this costs next to nothing. */
const retention = `
create index commands_by_age on commands using brin (recorded_at);
`;

/** Whoever carries out a job says so under a name of its own; a process that was deposed is none of them any more. */
const runs = `
alter table view_jobs add column run uuid;
`;

/** Each brings a store on by one version. */
const migrations = [first, operations, batches, retention, runs];

/**
 * Creates the store's tables where they are missing, and brings older ones up to date; safe to be run by several
 * processes at once.
 *
 * @param upTo schema version to stop at, for a copy that an older release wrote
 * @throws Error where the store was written by a newer release
 */
export async function migrateStore(pool: Pool, upTo = migrations.length): Promise<void> {
  await transaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('throughline:migrate'))`);
    const { rows } = await client.query<{ present: boolean }>(`select to_regclass('store') is not null as present`);
    const found = rows[0]?.present
      ? await client.query<{ schema_version: number }>('select schema_version from store')
      : undefined;
    const version = found?.rows[0]?.schema_version ?? 0;
    if (version > migrations.length) {
      throw new Error(
        `this store was written by a newer release (schema ${version}, this release knows ${migrations.length})`,
      );
    }
    if (version >= upTo) return;
    for (const migration of migrations.slice(version, upTo)) await client.query(migration);
    await client.query('update store set schema_version = $1', [upTo]);
  });
}
