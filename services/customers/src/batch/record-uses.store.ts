import { Injectable } from '@nestjs/common';
import type { CustomerEvent, Recorded, RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { care, careId } from '../care/care.ts';
import { FactsOfCustomers } from '../care/customer-facts.view.ts';
import { consent, consentId } from '../consent/consent.ts';
import { recordOf, type Part } from '../customer/customer-group.ts';
import { countsSince, undoOf, type Since } from '../customer/customer-undo.ts';
import { isOneOfSeveral, type Customer } from '../customer/customer-state.ts';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { CustomerLinks, linkFields, type CustomerLink } from '../links/customer-links.view.ts';
import type { TellingOf } from './undoing.ts';

const together = 500;
/** Whatever a longer chain leads to stays. */
const mostLevels = 100;
const firstId = '00000000-0000-0000-0000-000000000000';

/** What somebody said about a record, not what follows by itself. */
const ofSomebody = new Set([
  'ConsentGiven',
  'ConsentWithdrawn',
  'ContactForbidden',
  'ContactAllowed',
  'RecordConfirmed',
]);

type Happened = RecordedOf<CustomerEvent>;
export type Loaded = { state: Customer; events: readonly Recorded[] };

/** Records, each with since when it counts what is done with it. */
type Asked = ReadonlyMap<string, Since>;
/** Whom a record names, and the place where it said so. */
type Naming = readonly [named: string, place: number];
/** One that goes unless it is in use: whom it names, and since when it counts what is done with it. */
type Leaving = { names: readonly string[]; since: Since };
/** Those who are asked for, those in use, and whom others name that would go unless they are in use. */
type Reached = { asked: Map<string, Since>; used: Set<string>; namedBy: Map<string, readonly string[]> };

/** What is done with records without changing them. */
@Injectable()
export class RecordUses {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly links: CustomerLinks,
    private readonly facts: FactsOfCustomers,
  ) {}

  /**
   * Of these records, those that would go, but stay: somebody gave a word about them, or dealt with them, or an active customer goes on naming them, by
   * something else than what is to be undone, and since it counts. Whom one names that stays so stays with it, and the records of one
   * customer stay together.
   */
  async among(loaded: ReadonlyMap<string, Loaded>, telling: TellingOf): Promise<ReadonlySet<string>> {
    const isGoing = ({ state, events }: Loaded) =>
      undoOf(state, events as Happened[], telling(state)).record === 'archive';
    const placed = ([id, one]: readonly [string, Loaded]) =>
      isGoing(one) ? [{ id, ...one, since: countsSince(one.events as Happened[], telling(one.state)) }] : [];
    const going = [...loaded].flatMap(placed);
    const merged = going.filter(({ state }) => isOneOfSeveral(state));
    const groups = await this.customers.groups(merged.map(({ id }) => id));
    const asked = [...going, ...groups.flat().flatMap((part) => placed([part.id, part]))];
    const used = await this.#used(new Map(asked.map(({ id, since }) => [id, since])), telling);
    const isGoingNow = (part: Part) => isGoing(part) && part.events.some(telling(part.state).isUndone);
    const staying = groups.filter((group) =>
      group.some((part) => used.has(part.id) || (part.state.status === 'active' && !isGoingNow(part))),
    );
    return new Set([...used, ...staying.flat().map(({ id }) => id)]);
  }

  async #used(records: Asked, telling: TellingOf): Promise<ReadonlySet<string>> {
    const reached = {
      asked: new Map(records),
      used: new Set(await this.#dealtWith(records, telling)),
      namedBy: new Map<string, readonly string[]>(),
    };
    let level = [...records.keys()];
    for (let depth = 0; level.length > 0 && depth < mostLevels; depth += 1) {
      const above = await this.#above(level, reached, telling);
      level = [...above.keys()].filter((id) => !reached.asked.has(id));
      for (const [id, since] of above) reached.asked.set(id, since);
    }
    for (const id of level) reached.used.add(id);
    // A set is gone through with what is added to it meanwhile.
    for (const id of reached.used) for (const named of reached.namedBy.get(id) ?? []) reached.used.add(named);
    return new Set([...records.keys()].filter((id) => reached.used.has(id)));
  }

  /** Those that name these records, would go, and are named themselves. */
  async #above(ids: readonly string[], { asked, used, namedBy }: Reached, telling: TellingOf): Promise<Asked> {
    const above = new Map<string, Since>();
    for (let at = 0; at < ids.length; at += together) {
      const some = ids.slice(at, at + together);
      for (let last: string | null = firstId; last !== null;) {
        const open = some.filter((id) => !used.has(id));
        const links: readonly CustomerLink[] = await this.links.ofNaming(open, last, together);
        const { staying, leaving } = await this.#naming(links, telling);
        for (const [id, place] of staying) if (place > (asked.get(id)?.position ?? Infinity)) used.add(id);
        for (const id of await this.links.named([...leaving.keys()])) {
          const { names, since } = leaving.get(id) as Leaving;
          namedBy.set(id, names);
          above.set(id, since);
        }
        last = links.length < together ? null : (links.at(-1)?.recordId ?? null);
      }
    }
    return above;
  }

  /** Those that somebody gave a word about, or that ordered, came to a deal or spoke with somebody. */
  async #dealtWith(records: Asked, telling: TellingOf): Promise<string[]> {
    const ids = [...records.keys()];
    const [consents, cares, facts] = await Promise.all([
      this.commands.loadMany(consent, ids.map(consentId)),
      this.commands.loadMany(care, ids.map(careId)),
      Promise.all(ids.map((id) => this.facts.of([id]))),
    ]);
    const isOne = telling({ externalIds: [] }).isUndone;
    const isWord = (event: Recorded) => ofSomebody.has(event.type) && !isOne(event as Happened);
    return [...records].flatMap(([id, { position, at }], index) => {
      const said = [consents.get(consentId(id)), cares.get(careId(id))].flatMap((found) => found?.events ?? []);
      const { orders = [], contacts = [] } = facts[index] ?? {};
      const isUsed =
        said.some((event) => event.position > position && isWord(event)) ||
        [...orders, ...contacts].some((moment) => moment > at);
      return isUsed ? [id] : [];
    });
  }

  /** Whom records go on naming, active ones and those that come back: those that stay, and those that go unless they are in use, each by itself. */
  async #naming(
    links: readonly CustomerLink[],
    telling: TellingOf,
  ): Promise<{ staying: readonly Naming[]; leaving: ReadonlyMap<string, Leaving> }> {
    const loaded = await this.commands.loadMany(
      customer,
      links.map(({ recordId }) => recordId),
    );
    const naming = [...loaded].flatMap(([id, { state, events }]) => {
      const happened = events as Happened[];
      const told = telling(state);
      const { record, fields, kept } = undoOf(state, happened, told);
      if (state.status !== 'active' && record !== 'restore') return [];
      const names = linkFields.flatMap((field): Naming[] => {
        const named = field in fields ? undefined : state.details[field];
        return named ? [[named, recordOf(happened)?.words[field]?.position ?? Infinity]] : [];
      });
      const isLeaving = record === 'archive';
      return [
        { id, names, isLeaving, isThere: !isLeaving && !kept.includes('record'), since: countsSince(happened, told) },
      ];
    });
    const going = naming.filter(({ isLeaving }) => isLeaving);
    const kept = new Set(await this.#dealtWith(new Map(going.map(({ id, since }) => [id, since])), telling));
    const leaving = going.filter(({ id }) => !kept.has(id));
    const staying = naming.filter(({ id, isLeaving }) => !isLeaving || kept.has(id));
    return {
      // One that only came with what is undone names nobody before it stays.
      staying: staying.flatMap(({ names, isThere }) =>
        names.map(([named, place]): Naming => [named, isThere ? place : Infinity]),
      ),
      leaving: new Map(leaving.map(({ id, names, since }) => [id, { names: names.map(([named]) => named), since }])),
    };
  }
}
