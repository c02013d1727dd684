import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { EventMeta } from '@throughline/contracts';
import { chainHash, type EventStore, type Pool, type Stored } from '@throughline/event-sourcing';
import { followUpEvents, followUpName } from './follow-up.policy.ts';
import type { Told } from './journal.ts';

/** What went wrong, counted in events. */
export type Damage = { lost: number; doubled: number; reordered: number };
export const unharmed: Damage = { lost: 0, doubled: 0, reordered: 0 };

export const together = (parts: readonly Damage[]): Damage =>
  parts.reduce(
    (sum, { lost, doubled, reordered }) => ({
      lost: sum.lost + lost,
      doubled: sum.doubled + doubled,
      reordered: sum.reordered + reordered,
    }),
    unharmed,
  );

const page = 5_000;

/** What a log says of itself, read once from the first event to the last. */
export type Audit = {
  events: number;
  /** Position of every event, ascending. */
  positions: number[];
  /** Stream -> its number of events. */
  streams: Map<string, number>;
  /** Command -> stream -> its versions there. */
  commands: Map<string, Map<string, number[]>>;
  /** Deals that somebody won -> the event. */
  won: Map<string, string>;
  /** Event -> how many events the follow-up policy appended because of it. */
  followed: Map<string, number>;
  /** Events whose hash does not continue their stream's chain. */
  brokenChain: number;
  /** Events of a stream that are not one version above the one before. */
  brokenOrder: number;
};

export async function audit(store: EventStore, chainKey: KeyObject): Promise<Audit> {
  const found: Audit = {
    events: 0,
    positions: [],
    streams: new Map(),
    commands: new Map(),
    won: new Map(),
    followed: new Map(),
    brokenChain: 0,
    brokenOrder: 0,
  };
  const hashes = new Map<string, string>();
  for (let above = 0; ;) {
    const events = await store.readAbove(above, page);
    const last = events.at(-1);
    if (!last) return found;
    for (const event of events) look(event);
    above = last.position;
  }

  function look(event: Stored): void {
    const { stream, position, hash } = event;
    const name = `${stream.type}:${stream.id}`;
    const version = (found.streams.get(name) ?? 0) + 1;
    const { commandId, batchId = null, actor, causationId = '' } = JSON.parse(event.meta) as EventMeta;
    const place = { streamType: stream.type, streamId: stream.id, version: stream.version };
    const chained = { ...event, ...place, commandId, batchId };
    if (chainHash(chainKey, hashes.get(name) ?? '', chained).toString('hex') !== hash) found.brokenChain += 1;
    if (stream.version !== version) found.brokenOrder += 1;
    hashes.set(name, hash);
    found.events += 1;
    found.positions.push(position);
    found.streams.set(name, version);

    const ofCommand = found.commands.get(commandId) ?? new Map<string, number[]>();
    ofCommand.set(name, [...(ofCommand.get(name) ?? []), stream.version]);
    found.commands.set(commandId, ofCommand);
    if (event.type === 'DealWon') found.won.set(event.id, stream.id);
    if (actor.type === 'policy' && actor.id === followUpName) {
      found.followed.set(causationId, (found.followed.get(causationId) ?? 0) + 1);
    }
  }
}

/** What clients were told, compared with what the logs hold. `told` is by the command's id as the client chose it. */
export function storeDamage(audits: readonly Audit[], told: ReadonlyMap<string, Told>): Damage {
  const damage = { ...unharmed };
  const seen = new Set<string>();
  // One step of a story begins when the one before is answered: so their events ascend.
  const reached = new Map<string, number>();
  for (const [id, { refused, acknowledged }] of told) {
    const command = `api-key:writer-${id.split('-')[0]}/${id}`;
    const there = audits.flatMap(({ commands }) => [...(commands.get(command) ?? [])]);
    seen.add(command);
    const stored = there.reduce((sum, [, versions]) => sum + versions.length, 0);
    const [first, ...again] = acknowledged;
    if (!first) {
      // Refused, and yet appended; or never answered, which the run does not end with.
      damage[refused === undefined ? 'lost' : 'doubled'] += refused === undefined ? 1 : stored;
      continue;
    }
    damage.doubled += again.filter(({ position }) => position !== first.position).length;
    for (const { type } of first.streams.slice(0, 1)) {
      const story = `${id.slice(0, id.lastIndexOf('-'))} ${type}`;
      if (first.position <= (reached.get(story) ?? 0)) damage.reordered += 1;
      reached.set(story, first.position);
    }
    const wanted = first.events ?? stored;
    damage.lost += Math.max(0, wanted - stored);
    damage.doubled += Math.max(0, stored - wanted);
    for (const { type, id: stream, version } of first.streams) {
      const versions = there.find(([name]) => name === `${type}:${stream}`)?.[1] ?? [];
      if (versions.length === 0) damage.lost += first.events === undefined ? 1 : 0;
      else if (versions.at(-1) !== version || !isContiguous(versions)) damage.reordered += 1;
    }
  }
  // What nobody asked for.
  for (const { commands } of audits) {
    for (const [command, there] of commands) {
      if (!command.startsWith('api-key:writer-') || seen.has(command)) continue;
      for (const versions of there.values()) damage.doubled += versions.length;
    }
  }
  damage.reordered += audits.reduce((sum, { brokenOrder }) => sum + brokenOrder, 0);
  return damage;
}

const isContiguous = (versions: readonly number[]) =>
  versions.every((version, index) => index === 0 || version === (versions[index - 1] as number) + 1);

/** Every deal that was won is followed up once, unless an operator gave the event up. */
export function policyDamage({ won, followed }: Audit, discarded: ReadonlySet<string>): Damage {
  const damage = { ...unharmed };
  for (const event of won.keys()) {
    const wanted = discarded.has(event) ? 0 : followUpEvents;
    const times = followed.get(event) ?? 0;
    damage.lost += Math.max(0, wanted - times);
    damage.doubled += Math.max(0, times - wanted);
  }
  return damage;
}

/** What a consumer was given, in its order, compared with the log. */
export function givenDamage(positions: readonly number[], given: readonly number[]): Damage {
  const left = new Set(positions);
  const damage = { ...unharmed };
  let highest = 0;
  for (const position of given) {
    if (!left.delete(position)) damage.doubled += 1;
    else if (position < highest) damage.reordered += 1;
    highest = Math.max(highest, position);
  }
  return { ...damage, lost: left.size };
}

/** As a recorder wrote it down. */
export async function givenTo(pool: Pool, feed: string): Promise<number[]> {
  const { rows } = await pool.query<[string]>({
    text: 'select position from chaos_given where feed = $1 order by ordinal',
    values: [feed],
    rowMode: 'array',
  });
  return rows.map(([position]) => Number(position));
}

/** What a view counted, compared with the log. */
export async function tallyDamage(pool: Pool, table: string, { streams }: Audit): Promise<Damage> {
  const damage = { ...unharmed };
  const { rows } = await pool.query<{ id: string; count: number; breaks: number }>(
    `select id, count, breaks from "${table}"`,
  );
  const tallies = new Map(rows.map((row) => [row.id, row]));
  for (const [name, version] of streams) {
    const { count = 0, breaks = 0 } = tallies.get(name) ?? {};
    damage.lost += Math.max(0, version - count);
    damage.doubled += Math.max(0, count - version);
    if (count === version) damage.reordered += breaks;
  }
  return damage;
}

/** How many documents are not in the search engine as they are in their table, or are there for nobody. */
export async function searchDifferences(
  pool: Pool,
  table: string,
  copies: AsyncIterable<{ id: string; doc: unknown }>,
): Promise<number> {
  const { rows } = await pool.query<{ id: string; doc: unknown }>(`select id, doc from "${table}"`);
  const documents = new Map(rows.map(({ id, doc }) => [id, doc]));
  let different = 0;
  for await (const { id, doc } of copies) {
    if (!isDeepStrictEqual(documents.get(id), doc)) different += 1;
    documents.delete(id);
  }
  return different + documents.size;
}
