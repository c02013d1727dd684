import { Injectable } from '@nestjs/common';
import type { CustomerEvent, Recorded, RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { care, careId } from '../care/care.ts';
import { consent, consentId } from '../consent/consent.ts';
import { undoOf } from '../customer/customer-undo.ts';
import { customer } from '../customer/customer.ts';
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

/** Those in use, and whom others name that would go unless they are in use. */
type Reached = { used: Set<string>; namedBy: Map<string, readonly string[]> };

/** What is done with records without changing them. */
@Injectable()
export class RecordUses {
  constructor(
    private readonly commands: Commands,
    private readonly links: CustomerLinks,
  ) {}

  /**
   * Of these records, those that somebody gave a word about, or that an active customer goes on naming: by something else than what
   * is to be undone. Who would go, but is in use, stays, and whom that one names stays with it.
   */
  async among(ids: readonly string[], telling: TellingOf): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const reached = {
      used: new Set(await this.#saidAbout(ids, telling)),
      namedBy: new Map<string, readonly string[]>(),
    };
    const asked = new Set(ids);
    let level = ids;
    for (let depth = 0; level.length > 0 && depth < mostLevels; depth += 1) {
      level = await this.#above(level, reached, telling);
      level = level.filter((id) => !asked.has(id));
      for (const id of level) asked.add(id);
    }
    for (const id of level) reached.used.add(id);
    // A set is gone through with what is added to it meanwhile.
    for (const id of reached.used) for (const named of reached.namedBy.get(id) ?? []) reached.used.add(named);
    return new Set(ids.filter((id) => reached.used.has(id)));
  }

  /** Those that name these records, would go, and are named themselves. */
  async #above(ids: readonly string[], { used, namedBy }: Reached, telling: TellingOf): Promise<string[]> {
    const above = new Set<string>();
    for (let at = 0; at < ids.length; at += together) {
      const some = ids.slice(at, at + together);
      for (let after: string | null = firstId; after !== null;) {
        const open = some.filter((id) => !used.has(id));
        const links: readonly CustomerLink[] = await this.links.ofNaming(open, after, together);
        const { staying, leaving } = await this.#naming(links, telling);
        for (const id of staying) used.add(id);
        for (const id of await this.links.named([...leaving.keys()])) {
          namedBy.set(id, leaving.get(id) ?? []);
          above.add(id);
        }
        after = links.length < together ? null : (links.at(-1)?.recordId ?? null);
      }
    }
    return [...above];
  }

  async #saidAbout(ids: readonly string[], telling: TellingOf): Promise<string[]> {
    const [consents, cares] = await Promise.all([
      this.commands.loadMany(consent, ids.map(consentId)),
      this.commands.loadMany(care, ids.map(careId)),
    ]);
    const isOne = telling({ externalIds: [] }).isUndone;
    const isWord = (event: Recorded) => ofSomebody.has(event.type) && !isOne(event as Happened);
    return ids.filter((id) =>
      [consents.get(consentId(id)), cares.get(careId(id))].some((found) => found?.events.some(isWord)),
    );
  }

  /** Whom active records go on naming: those that stay, and those that go unless they are in use, each by itself. */
  async #naming(
    links: readonly CustomerLink[],
    telling: TellingOf,
  ): Promise<{ staying: string[]; leaving: ReadonlyMap<string, readonly string[]> }> {
    const loaded = await this.commands.loadMany(
      customer,
      links.map(({ recordId }) => recordId),
    );
    const naming = [...loaded].flatMap(([id, { state, events }]) => {
      if (state.status !== 'active') return [];
      const undone = (isUsed: boolean) => undoOf(events as Happened[], telling(state), isUsed);
      // One that goes, used or not, names nobody.
      if (undone(true).record === 'archive') return [];
      const { record, fields } = undone(false);
      const { details } = state;
      const names = linkFields.flatMap((field) => (field in fields ? [] : (details[field] ?? [])));
      return [{ id, names, isLeaving: record === 'archive' }];
    });
    const going = naming.filter(({ isLeaving }) => isLeaving);
    const kept = new Set(
      await this.#saidAbout(
        going.map(({ id }) => id),
        telling,
      ),
    );
    const leaving = going.filter(({ id }) => !kept.has(id));
    return {
      staying: naming.flatMap(({ id, names, isLeaving }) => (isLeaving && !kept.has(id) ? [] : names)),
      leaving: new Map(leaving.map(({ id, names }) => [id, names])),
    };
  }
}
