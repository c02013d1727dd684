import { plainTypes, type Pool } from './database.ts';
import type { Chained } from './hash-chain.ts';

/** Appends that hold together or not at all, ready to be written. */
export type Prepared = {
  streams: readonly PreparedStream[];
  events: readonly (Chained & { hash: Buffer })[];
  commands: readonly PreparedCommand[];
};
export type PreparedStream = {
  type: string;
  id: string;
  expected: number;
  version: number;
  release: readonly string[];
  take: readonly string[];
};
/** `outcome`: JSON. */
export type PreparedCommand = { id: string; actor: string; bodyHash: Buffer; outcome: string; recordedAt: string };

const appendStatement = `
with wanted as (
  select * from unnest($1::int[], $2::text[], $3::uuid[], $4::int[], $5::int[]) as s(append, type, id, previous, version)
),
settled as (
  insert into streams as s (type, id, version, previous)
  select type, id, version, previous from wanted w
  where previous = 0 or exists (select from streams known where known.type = w.type and known.id = w.id)
  order by type, id
  on conflict (type, id) do update set version = excluded.version, previous = excluded.previous
  where s.version = excluded.previous
  returning s.type, s.id
),
done as (
  select append from wanted group by append
  having bool_and((type, id) in (select type, id from settled))
),
written as (
  insert into events (position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta,
    command_id, batch_id, occurred_at, recorded_at, effective_at, hash)
  select nextval('events_position'), e.* from (
    select id, stream_type, stream_id, version, type, schema_version, data::json, personal::json, meta::json,
      command_id, batch_id, occurred_at, recorded_at, effective_at, hash
    from unnest($6::int[], $7::uuid[], $8::text[], $9::uuid[], $10::int[], $11::text[], $12::smallint[], $13::text[],
      $14::text[], $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[],
      $21::bytea[]) with ordinality as i(append, id, stream_type, stream_id, version, type, schema_version, data,
      personal, meta, command_id, batch_id, occurred_at, recorded_at, effective_at, hash, ordinal)
    join done using (append)
    order by ordinal
  ) e
  returning position, command_id
),
released as (
  delete from claims c
  using unnest($22::int[], $23::text[], $24::uuid[], $25::text[]) as r(append, category, stream_id, key)
  where r.append in (select append from done)
    and c.category = r.category and c.key = r.key and c.stream_id = r.stream_id
  returning 1
),
claimed as (
  select t.* from unnest($26::int[], $27::text[], $28::uuid[], $29::text[]) as t(append, category, stream_id, key)
  join done using (append)
),
taken as (
  insert into claims (category, key, stream_id)
  select category, key, stream_id from claimed where (select count(*) from released) >= 0 order by category, key
  on conflict (category, key) do nothing
  returning 1
),
carried_out as (
  select c.* from unnest($30::int[], $31::text[], $32::text[], $33::bytea[], $34::text[], $35::timestamptz[])
    as c(append, id, actor, body_hash, outcome, recorded_at)
  join done using (append)
),
remembered as (
  insert into commands (id, actor, body_hash, outcome, position, recorded_at)
  select c.id, c.actor, c.body_hash, c.outcome::json, w.position, c.recorded_at
  from carried_out c
  left join (select command_id, max(position) as position from written group by command_id) w on w.command_id = c.id
  where (select count(*) from taken) >= 0
  order by c.id
  on conflict (id) do nothing
  returning id, position
),
checked as (
  select guard(not $36::boolean or (select count(*) from settled) = (select count(*) from wanted), 'version')
    and guard((select count(*) from taken) = (select count(*) from claimed), 'claim')
    and guard((select count(*) from remembered) = (select count(*) from carried_out), 'command') as ok
)
select r.id as command, r.position, checked.ok from checked left join remembered r on true`;

/** The same for one append of one command to one stream without claims, as most are: half the time. */
const plainAppendStatement = `
with settled as (
  insert into streams as s (type, id, version, previous)
  select $1, $2::uuid, $4::int, $3::int
  where $3::int = 0 or exists (select from streams known where known.type = $1 and known.id = $2::uuid)
  on conflict (type, id) do update set version = excluded.version, previous = excluded.previous
  where s.version = excluded.previous
  returning 1
),
written as (
  insert into events (position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta,
    command_id, batch_id, occurred_at, recorded_at, effective_at, hash)
  select nextval('events_position'), id, $1, $2::uuid, version, type, schema_version, data::json, personal::json,
    $13::json, $14, $15, $16::timestamptz, $17::timestamptz, effective_at, hash
  from (
    select * from unnest($5::uuid[], $6::int[], $7::text[], $8::smallint[], $9::text[], $10::text[], $11::timestamptz[],
      $12::bytea[]) with ordinality as i(id, version, type, schema_version, data, personal, effective_at, hash, ordinal)
    where exists (select from settled)
    order by ordinal
  ) e
  returning position
),
remembered as (
  insert into commands (id, actor, body_hash, outcome, position, recorded_at)
  select $14, $18, $19::bytea, $20::json, max(position), $17::timestamptz from written having count(*) > 0
  on conflict (id) do nothing
  returning position
)
select $14::text as command, (select position from remembered) as position,
  guard((select count(*) from remembered) = (select count(*) from settled), 'command') as ok`;

/**
 * Writes appends in one statement, each for itself or, where so asked, all or nothing. Command -> position of its last
 * event; the commands of an append that had a version conflict are missing.
 *
 * @throws the database's error TL001, with what failed as its message, where the statement left nothing
 */
export async function writeAppends(
  pool: Pool,
  batch: readonly Prepared[],
  allOrNothing: boolean,
): Promise<ReadonlyMap<string, number>> {
  const streams = batch.flatMap((prepared) => prepared.streams);
  const events = batch.flatMap((prepared) => prepared.events);
  const commands = batch.flatMap((prepared) => prepared.commands);
  /** Which append each of them belongs to. */
  const appendsOf = (what: 'streams' | 'events' | 'commands') =>
    batch.flatMap((prepared, append) => prepared[what].map(() => append));
  const claims = (which: 'release' | 'take') =>
    batch.flatMap((prepared, append) =>
      prepared.streams.flatMap(({ type, id, [which]: keys }) => keys.map((key) => ({ append, type, id, key }))),
    );
  const released = claims('release');
  const taken = claims('take');
  const isPlain = streams.length === 1 && commands.length === 1 && released.length + taken.length === 0;
  if (isPlain) return writePlain(pool, batch[0] as Prepared);
  const { rows } = await pool.query<WrittenRow>({
    name: 'append',
    text: appendStatement,
    types: plainTypes,
    values: [
      appendsOf('streams'),
      streams.map((s) => s.type),
      streams.map((s) => s.id),
      streams.map((s) => s.expected),
      streams.map((s) => s.version),
      appendsOf('events'),
      events.map((e) => e.id),
      events.map((e) => e.streamType),
      events.map((e) => e.streamId),
      events.map((e) => e.version),
      events.map((e) => e.type),
      events.map((e) => e.schemaVersion),
      events.map((e) => e.data),
      events.map((e) => e.personal),
      events.map((e) => e.meta),
      events.map((e) => e.commandId),
      events.map((e) => e.batchId),
      events.map((e) => e.occurredAt),
      events.map((e) => e.recordedAt),
      events.map((e) => e.effectiveAt),
      events.map((e) => e.hash),
      released.map((c) => c.append),
      released.map((c) => c.type),
      released.map((c) => c.id),
      released.map((c) => c.key),
      taken.map((c) => c.append),
      taken.map((c) => c.type),
      taken.map((c) => c.id),
      taken.map((c) => c.key),
      appendsOf('commands'),
      commands.map((c) => c.id),
      commands.map((c) => c.actor),
      commands.map((c) => c.bodyHash),
      commands.map((c) => c.outcome),
      commands.map((c) => c.recordedAt),
      allOrNothing,
    ],
  });
  return positionsOf(rows);
}

async function writePlain(pool: Pool, { streams, events, commands }: Prepared): Promise<ReadonlyMap<string, number>> {
  const { type, id, expected, version } = streams[0] as PreparedStream;
  const command = commands[0] as PreparedCommand;
  const { rows } = await pool.query<WrittenRow>({
    name: 'append-plain',
    text: plainAppendStatement,
    types: plainTypes,
    values: [
      type,
      id,
      expected,
      version,
      events.map((e) => e.id),
      events.map((e) => e.version),
      events.map((e) => e.type),
      events.map((e) => e.schemaVersion),
      events.map((e) => e.data),
      events.map((e) => e.personal),
      events.map((e) => e.effectiveAt),
      events.map((e) => e.hash),
      events[0]?.meta,
      command.id,
      events[0]?.batchId,
      events[0]?.occurredAt,
      command.recordedAt,
      command.actor,
      command.bodyHash,
      command.outcome,
    ],
  });
  return positionsOf(rows);
}

type WrittenRow = { command: string | null; position: number | null };

const positionsOf = (rows: readonly WrittenRow[]) =>
  new Map(
    rows.flatMap(({ command, position }) =>
      command === null || position === null ? [] : [[command, position] as const],
    ),
  );
