import type { ServiceName } from '@throughline/contracts';
import {
  AnchoredEvents,
  anchorName,
  anchorPublicKey,
  digestKey,
  digestOfText,
  numberOfAnchor,
  openAnchor,
  tagBytes,
  type Anchor,
  type AnchoredRow,
} from './anchors.ts';
import type { Secrets } from './crypto.ts';
import { plainTypes, withClient, type Pool, type Queryable } from './database.ts';
import { chainHash } from './hash-chain.ts';
import type { WriteOnce } from './write-once.ts';

/**
 * - `altered`: the event is not what was written, or does not follow the one before it in its stream
 * - `moved`: another event was anchored at this position
 * - `inserted`, `removed`: it was not there, or was, when the position was anchored
 * - `stream`: where a stream stands is not where its events end
 * - `anchor`, `generation`: the anchors themselves, or the whole store, are not what they were
 */
export type Finding = {
  kind: 'altered' | 'moved' | 'inserted' | 'removed' | 'stream' | 'anchor' | 'generation';
  detail: string;
};

/** How far it proves: up to `proved` every event is as it was anchored, where there is no finding. */
export type Proof = { events: number; head: number; proved: number; anchoredAt: string | undefined; findings: number };

export type VerifyOptions = {
  service: ServiceName;
  pool: Pool;
  secrets: Secrets;
  /** Without it only the chains of the streams are checked. */
  anchors?: WriteOnce | undefined;
  found: (finding: Finding) => void;
};

type Row = AnchoredRow & {
  type: string;
  schema_version: number;
  data: string;
  personal: string | null;
  meta: string;
  occurred_at: string;
  recorded_at: string;
  effective_at: string;
  previous: string | null;
};

const fetchSize = 1_000;
const tailColumns = 'type, schema_version, data::text, personal::text, meta::text';
const instants = ['occurred_at', 'recorded_at', 'effective_at'];
const eventsInOrder = `
select e.position, e.id, e.stream_type, e.stream_id, e.version, e.command_id, e.batch_id, encode(e.hash, 'hex') as hash,
  ${tailColumns
    .split(', ')
    .map((column) => `e.${column}`)
    .join(', ')}, ${instants.map((column) => `e.${column}::text`).join(', ')}, encode(p.hash, 'hex') as previous
from events e left join lateral (
  select hash from events p where p.stream_type = e.stream_type and p.stream_id = e.stream_id and p.version = e.version - 1
  limit 1
) p on true
order by e.position`;

const streamsThatDiffer = `
select coalesce(s.type, e.stream_type) || ':' || coalesce(s.id, e.stream_id) as stream, s.version, e.last, e.count
from streams s full join (
  select stream_type, stream_id, max(version) as last, count(*) as count from events group by stream_type, stream_id
) e on e.stream_type = s.type and e.stream_id = s.id
where s.version is distinct from e.last or e.count is distinct from e.last`;

/**
 * Checks every event of a store against the chain of its stream, and against the anchors. One snapshot, constant memory;
 * nothing is written.
 */
export async function verifyChain(options: VerifyOptions): Promise<Proof> {
  let findings = 0;
  const found = (kind: Finding['kind'], detail: string) => {
    findings += 1;
    options.found({ kind, detail });
  };
  const known = await readAnchors(options, found);
  return withClient(options.pool, async (client) => {
    await client.query(
      `begin isolation level repeatable read read only; set local timezone = 'UTC'; set local datestyle = 'ISO'`,
    );
    try {
      await checkGeneration(client, known.last, found);
      const { events, head } = await checkEvents(client, options, known, found);
      for await (const { stream, version, last, count } of cursor<Head>(client, streamsThatDiffer)) {
        const said = version === null ? 'is not known' : `stands at version ${version}`;
        const there = last === null ? 'has no events' : `has ${count} events up to version ${last}`;
        found('stream', `stream ${stream} ${said}, and ${there}`);
      }
      const { position: anchored = 0, at: anchoredAt } = known.last ?? {};
      // An anchor may end at a position that an append took and gave up: with no finding, nothing is missing there.
      const proved = findings === 0 ? Math.min(anchored, head) : anchored;
      return { events, head, proved, anchoredAt, findings };
    } finally {
      await client.query('rollback').catch(() => undefined);
    }
  });
}

type Found = (kind: Finding['kind'], detail: string) => void;
type Head = { stream: string; version: number | null; last: number | null; count: number | null };
/** `good` are the numbers of anchors that can be believed; `cuts` where stores were restored, newest first. */
type Known = { good: readonly number[]; cuts: readonly { number: number; after: number }[]; last: Anchor | undefined };

async function* cursor<R extends object>(client: Queryable, text: string): AsyncGenerator<R, void> {
  await client.query(`declare rows_in_order no scroll cursor for ${text}`);
  for (;;) {
    const { rows } = await client.query<R>({ text: `fetch ${fetchSize} from rows_in_order`, types: plainTypes });
    yield* rows;
    if (rows.length < fetchSize) break;
  }
  await client.query('close rows_in_order');
}

/** Looks at every anchor by itself and at how they follow each other. */
async function readAnchors({ service, secrets, anchors }: VerifyOptions, found: Found): Promise<Known> {
  const good: number[] = [];
  const cuts: { number: number; after: number }[] = [];
  let before: { anchor: Anchor; body: string } | undefined;
  let last: Anchor | undefined;
  let expected = 1;
  for (const name of (await anchors?.list(service)) ?? []) {
    const number = numberOfAnchor(name);
    if (number === undefined) {
      found('anchor', `${service}/${name} is not an anchor`);
      continue;
    }
    if (number > expected) {
      found('anchor', `anchors ${expected} to ${number - 1} are gone`);
      before = undefined;
    }
    const opened = await readAnchor({ service, secrets, anchors }, number);
    if (!opened) found('anchor', `anchor ${number} was replaced: its signature does not hold`);
    else if (before ? !follows(opened.anchor, before) : number === 1 && opened.anchor.previous !== '')
      found('anchor', `anchor ${number} does not follow the one before it`);
    else {
      good.push(number);
      last = opened.anchor;
      if (last.restoredFrom !== undefined) cuts.unshift({ number, after: last.after });
    }
    before = opened;
    expected = number + 1;
  }
  return { good, cuts, last };
}

async function readAnchor({ service, secrets, anchors }: Omit<VerifyOptions, 'pool' | 'found'>, number: number) {
  const text = await anchors?.get(anchorName(service, number));
  return text === undefined ? undefined : openAnchor(text, anchorPublicKey(secrets), service, number);
}

function follows(anchor: Anchor, { anchor: before, body }: { anchor: Anchor; body: string }): boolean {
  if (anchor.previous !== digestOfText(body)) return false;
  return anchor.restoredFrom === undefined
    ? anchor.generation === before.generation && anchor.after === before.position
    : anchor.restoredFrom === before.generation;
}

async function checkGeneration(client: Queryable, last: Anchor | undefined, found: Found): Promise<void> {
  const { rows } = await client.query<{ generation: string }>('select generation from store');
  const generation = rows[0]?.generation;
  if (last && generation !== last.generation) {
    found('generation', `the store is of generation ${generation}, and ${last.generation} was anchored last`);
  }
}

async function checkEvents(
  client: Queryable,
  options: VerifyOptions,
  known: Known,
  found: Found,
): Promise<{ events: number; head: number }> {
  const chainKey = options.secrets.key('hash-chain');
  const windows = anchored(options, known, found);
  let window = await next(windows);
  let [events, head] = [0, 0];
  for await (const row of cursor<Row>(client, eventsInOrder)) {
    events += 1;
    head = row.position;
    while (window && row.position > window.upTo) {
      window.end();
      window = await next(windows);
    }
    const verdict = (window && row.position > window.after && window.take(row)) || chained(chainKey, row);
    if (verdict) found(verdict, describe(row, verdict));
  }
  for (; window; window = await next(windows)) window.end();
  return { events, head };
}

const next = async (windows: AsyncGenerator<Window, void>) => (await windows.next()).value ?? undefined;

const describe = ({ position, id, type, stream_type, stream_id, version }: Row, verdict: Finding['kind']) => {
  const event = `${type} ${id} at position ${position}, version ${version} of ${stream_type}:${stream_id},`;
  if (verdict === 'inserted') return `${event} was not there when it was anchored`;
  if (verdict === 'moved') return `${event} is not the event that was anchored there`;
  if (verdict === 'removed') return `${event} follows a version that is gone`;
  return `${event} is not what was written`;
};

/** Undefined where the event is as it was written after the one before it. */
function chained(key: Parameters<typeof chainHash>[0], row: Row): 'altered' | 'removed' | undefined {
  if (row.version > 1 && row.previous === null) return 'removed';
  const again = chainHash(key, row.previous ?? '', {
    id: row.id,
    streamType: row.stream_type,
    streamId: row.stream_id,
    version: row.version,
    type: row.type,
    schemaVersion: row.schema_version,
    data: row.data,
    personal: row.personal,
    meta: row.meta,
    commandId: row.command_id,
    batchId: row.batch_id,
    occurredAt: exactInstant(row.occurred_at),
    recordedAt: exactInstant(row.recorded_at),
    effectiveAt: exactInstant(row.effective_at),
  });
  return again.toString('hex') === row.hash ? undefined : 'altered';
}

/** As it was written, to the millisecond; whatever is not so comes out as something that was never written. */
function exactInstant(text: string): string {
  const [, date, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text) ?? [];
  return date === undefined ? text : `${date}T${time}.${fraction.padEnd(3, '0')}Z`;
}

/** What the good anchors say of the log as it is now, in the order of positions. */
async function* anchored(options: VerifyOptions, { good, cuts }: Known, found: Found): AsyncGenerator<Window, void> {
  for (const number of good) {
    const opened = await readAnchor(options, number);
    if (!opened) continue;
    const later = cuts.filter((cut) => cut.number > number).map(({ after }) => after);
    const upTo = Math.min(opened.anchor.position, ...later);
    if (upTo > opened.anchor.after) yield new Window(opened.anchor, upTo, digestKey(options.secrets), found);
  }
}

/** One anchor beside the events of its positions, as far as they were not cut off by a restore since. */
class Window {
  readonly after: number;
  readonly #collected: AnchoredEvents;
  readonly #expected: Iterator<{ position: number; tag: Buffer }, undefined>;
  #next: { position: number; tag: Buffer } | undefined;
  #clean = true;
  #gone: { first: number; last: number; count: number } | undefined;

  constructor(
    private readonly anchor: Anchor,
    readonly upTo: number,
    key: Parameters<typeof chainHash>[0],
    private readonly found: Found,
  ) {
    // Nothing was ever stored at or below 0.
    this.after = anchor.after === 0 ? -Infinity : anchor.after;
    this.#collected = new AnchoredEvents(key);
    this.#expected = expectedOf(anchor, upTo);
    this.#next = this.#expected.next().value;
  }

  take(row: AnchoredRow): 'inserted' | 'moved' | undefined {
    const tag = this.#collected.add(row);
    while (this.#next && this.#next.position < row.position) this.#miss(this.#next.position);
    if (this.#next?.position !== row.position) {
      this.#clean = false;
      return 'inserted';
    }
    this.#sayWhatIsGone();
    const same = this.#next.tag.equals(tag);
    this.#clean &&= same;
    this.#next = this.#expected.next().value;
    return same ? undefined : 'moved';
  }

  end(): void {
    while (this.#next) this.#miss(this.#next.position);
    this.#sayWhatIsGone();
    const whole = this.upTo === this.anchor.position;
    if (whole && this.#clean && this.#collected.digest() !== this.anchor.digest)
      this.found('anchor', `the events of anchor ${this.anchor.number} have another digest`);
  }

  #miss(position: number): void {
    this.#clean = false;
    if (this.#gone) {
      this.#gone.last = position;
      this.#gone.count += 1;
    } else this.#gone = { first: position, last: position, count: 1 };
    this.#next = this.#expected.next().value;
  }

  #sayWhatIsGone(): void {
    if (!this.#gone) return;
    const { first, last, count } = this.#gone;
    const what =
      count === 1 ? `the event at position ${first} is` : `${count} events at positions ${first} to ${last} are`;
    this.found('removed', `${what} gone, anchored at ${this.anchor.at}`);
    this.#gone = undefined;
  }
}

function* expectedOf({ runs }: Anchor, upTo: number): Generator<{ position: number; tag: Buffer }, undefined> {
  for (const [first, text] of runs) {
    const tags = Buffer.from(text, 'base64');
    for (let at = 0; at < tags.length; at += tagBytes) {
      const position = first + at / tagBytes;
      if (position > upTo) return undefined;
      yield { position, tag: tags.subarray(at, at + tagBytes) };
    }
  }
  return undefined;
}
