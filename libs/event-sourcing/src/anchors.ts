import { createHash, createHmac, sign, verify, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant, ServiceName } from '@throughline/contracts';
import { signingKeys, type Secrets } from './crypto.ts';
import { errorForLog, isTransient, plainTypes } from './database.ts';
import { StoreFeed } from './feed.ts';
import type { EventStore } from './store.ts';
import type { SubscriptionLog } from './subscription.ts';
import type { WriteOnce } from './write-once.ts';

/** What was in a log, said and signed outside of its database. Anchors of a service are a chain without branches. */
export type Anchor = {
  service: string;
  /** 1, 2, 3, … of the service. */
  number: number;
  generation: string;
  at: Instant;
  /** It proves the events above this position … */
  after: number;
  /** … up to and with this one. */
  position: number;
  events: number;
  /** HMAC over the events, hex. */
  digest: string;
  /** First position of consecutive ones, and a tag of each event from there: it tells which of them are not the same. */
  runs: readonly (readonly [first: number, tags: string])[];
  /** SHA-256 of the text of the anchor before, hex; empty for the first one. */
  previous: string;
  /** Generation of the store from a copy of which this one was restored. What was anchored above `after` is gone. */
  restoredFrom?: string;
};

/** The columns of an event that anchors cover, besides what its hash does. */
export type AnchoredRow = {
  position: number;
  id: string;
  stream_type: string;
  stream_id: string;
  version: number;
  command_id: string;
  batch_id: string | null;
  hash: string;
};

/** The store is not the one that was anchored: restored without a word, or rolled back. */
export class AnchorsDoNotFit extends Error {}

export type AnchorOptions = { service: ServiceName; store: EventStore; secrets: Secrets; anchors: WriteOnce };
type RestoredOptions = Omit<AnchorOptions, 'store'> & { store: Pick<EventStore, 'pool' | 'generation'> };

const mostEvents = 50_000;
const pageSize = 5_000;
export const tagBytes = 4;
const purpose = { digest: 'anchors', signature: 'anchor-signature' };

export const anchorName = (service: string, number: number) => `${service}/${String(number).padStart(12, '0')}.anchor`;
export const numberOfAnchor = (name: string): number | undefined => {
  const digits = /^(\d{12})\.anchor$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

export const digestOfText = (body: string): string => createHash('sha256').update(body).digest('hex');
export const digestKey = (secrets: Secrets): KeyObject => secrets.key(purpose.digest);
/** Checks anchors; may be given to whoever shall be able to. */
export const anchorPublicKey = (secrets: Secrets): KeyObject => signingKeys(secrets, purpose.signature).publicKey;

/** Collects events in the order of their positions. */
export class AnchoredEvents {
  readonly #digest;
  readonly #runs: { first: number; next: number; tags: Buffer[] }[] = [];
  events = 0;

  constructor(private readonly key: KeyObject) {
    this.#digest = createHmac('sha256', key);
  }

  /** @returns the event's tag */
  add({ position, id, stream_type, stream_id, version, command_id, batch_id, hash }: AnchoredRow): Buffer {
    const stored = [position, id, stream_type, stream_id, version, command_id, batch_id, hash];
    const mac = createHmac('sha256', this.key).update(JSON.stringify(stored)).digest();
    this.#digest.update(mac);
    this.events += 1;
    return mac.subarray(0, tagBytes);
  }

  /** Adds it, and remembers its tag for `runs`. */
  keep(row: AnchoredRow): void {
    const tag = this.add(row);
    const run = this.#runs.at(-1);
    if (run?.next === row.position) {
      run.tags.push(tag);
      run.next += 1;
    } else this.#runs.push({ first: row.position, next: row.position + 1, tags: [tag] });
  }

  get runs(): Anchor['runs'] {
    return this.#runs.map(({ first, tags }) => [first, Buffer.concat(tags).toString('base64')] as const);
  }

  /** To be asked once. */
  digest(): string {
    return this.#digest.digest('hex');
  }
}

/** An anchor as it is kept: its JSON in the first line, the signature of that in the second. */
export function signedAnchor(anchor: Anchor, secrets: Secrets): { body: string; text: string } {
  const body = JSON.stringify(anchor);
  const { privateKey } = signingKeys(secrets, purpose.signature);
  return { body, text: `${body}\n${sign(null, Buffer.from(body), privateKey).toString('base64')}\n` };
}

/** Undefined where it was not signed with our key for this place. */
export function openAnchor(
  text: string,
  publicKey: KeyObject,
  service: string,
  number: number,
): { anchor: Anchor; body: string } | undefined {
  const [body = '', signature = ''] = text.split('\n');
  if (!verify(null, Buffer.from(body), publicKey, Buffer.from(signature, 'base64'))) return undefined;
  const anchor = JSON.parse(body) as Anchor;
  return anchor.service === service && anchor.number === number ? { anchor, body } : undefined;
}

/** The newest anchor of a service, or undefined before the first. */
async function lastAnchor({ service, secrets, anchors }: Omit<AnchorOptions, 'store'>) {
  const number = (await anchors.list(service)).map(numberOfAnchor).findLast((found) => found !== undefined);
  if (number === undefined) return undefined;
  const text = await anchors.get(anchorName(service, number));
  const last = text === undefined ? undefined : openAnchor(text, anchorPublicKey(secrets), service, number);
  if (!last) throw new AnchorsDoNotFit(`${anchorName(service, number)} is not an anchor of this installation`);
  return last;
}

/**
 * Anchors what was appended since the last anchor; nothing where nothing was. Names no position below which something may
 * still come.
 *
 * @returns position up to which the log is anchored now
 * @throws AnchorsDoNotFit
 */
export async function writeAnchors(options: AnchorOptions, signal?: AbortSignal): Promise<number> {
  const { service, store } = options;
  const last = await lastAnchor(options);
  const generation = await store.generation();
  const feed = new StoreFeed(service, store);
  if (last) {
    const { anchor } = last;
    if (anchor.generation !== generation)
      throw new AnchorsDoNotFit(`the store is of generation ${generation}, its anchors are of ${anchor.generation}`);
    const head = await feed.head();
    if (head < anchor.position)
      throw new AnchorsDoNotFit(`the store ends at position ${head}, and was anchored up to ${anchor.position}`);
  }
  const settled = await feed.settle(signal);
  const start = last?.anchor.position ?? 0;
  return settled === undefined ? start : anchorUpTo(options, last, { generation, after: start }, settled);
}

/**
 * Anchors a store that was restored from a copy: what was anchored of it up to where it ends now stays proved, what came
 * after that is gone with a word. Nothing to do where nothing was anchored before.
 *
 * @param head position of the newest event of the copy
 */
export async function anchorRestored(options: RestoredOptions, head: number): Promise<void> {
  const last = await lastAnchor(options);
  if (!last) return;
  const { generation: restoredFrom, position } = last.anchor;
  const generation = await options.store.generation();
  await anchorUpTo(options, last, { generation, after: Math.min(position, head), restoredFrom }, head);
}

async function anchorUpTo(
  options: RestoredOptions,
  last: { anchor: Anchor; body: string } | undefined,
  begin: Pick<Anchor, 'generation' | 'after' | 'restoredFrom'>,
  upTo: number,
): Promise<number> {
  const { service, store, secrets, anchors } = options;
  let [number, previous] = [(last?.anchor.number ?? 0) + 1, last ? digestOfText(last.body) : ''];
  for (let next = begin; ;) {
    const collected = new AnchoredEvents(digestKey(secrets));
    let position = next.after;
    while (collected.events < mostEvents) {
      const rows = await rowsBetween(store, position, upTo);
      for (const row of rows) collected.keep(row);
      position = rows.at(-1)?.position ?? position;
      if (rows.length < pageSize) break;
    }
    if (collected.events === 0 && next.restoredFrom === undefined) return position;
    const { runs, events } = collected;
    const at = new Date().toISOString();
    const said = { service, number, at, ...next, position, events, digest: collected.digest(), runs, previous };
    const { body, text } = signedAnchor(said, secrets);
    // Taken: another process leads meanwhile, and says the same.
    if (!(await anchors.put(anchorName(service, number), text))) return next.after;
    next = { generation: next.generation, after: position };
    number += 1;
    previous = digestOfText(body);
  }
}

async function rowsBetween(store: RestoredOptions['store'], after: number, upTo: number): Promise<AnchoredRow[]> {
  const { rows } = await store.pool.query<AnchoredRow>({
    name: 'anchored-rows',
    text: `select position, id, stream_type, stream_id, version, command_id, batch_id, encode(hash, 'hex') as hash
      from events where position > $1 and position <= $2 order by position limit ${pageSize}`,
    values: [after, upTo],
    types: plainTypes,
  });
  return rows;
}

/** Writes anchors at once, and then every so many seconds, until `signal` aborts. To be run by the store's leader. */
export async function keepAnchors(
  options: AnchorOptions & { seconds: number; log: SubscriptionLog },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await writeAnchors(options, signal);
    } catch (error) {
      const details = errorForLog(error);
      if (isTransient(error)) options.log.warn('anchor waits', details);
      else options.log.error('anchor was not written', details);
    }
    await sleep(options.seconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
