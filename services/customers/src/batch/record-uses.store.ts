import { Injectable } from '@nestjs/common';
import type { CustomerEvent, Recorded, RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { care, careId } from '../care/care.ts';
import { consent, consentId } from '../consent/consent.ts';
import { undoOf } from '../customer/customer-undo.ts';
import { customer } from '../customer/customer.ts';
import { CustomerLinks, linkFields, type CustomerLink } from '../links/customer-links.view.ts';
import { isUndone, type Undoing } from './undo-sources.store.ts';

const together = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

/** What somebody said about a record, not what follows by itself. */
const ofSomebody = new Set([
  'ConsentGiven',
  'ConsentWithdrawn',
  'ContactForbidden',
  'ContactAllowed',
  'RecordConfirmed',
]);

/** What is done with records without changing them. */
@Injectable()
export class RecordUses {
  constructor(
    private readonly commands: Commands,
    private readonly links: CustomerLinks,
  ) {}

  /**
   * Of these records, those that somebody gave a word about, or that an active customer names: by something else than what is to be
   * undone.
   */
  async among(ids: readonly string[], undoing: Undoing): Promise<ReadonlySet<string>> {
    if (ids.length === 0) return new Set();
    const used = new Set(await this.#saidAbout(ids, undoing));
    for (let after: string | null = firstId; after !== null;) {
      const unused = ids.filter((id) => !used.has(id));
      const links: readonly CustomerLink[] = await this.links.ofNaming(unused, after, together);
      for (const id of await this.#namedBy(links, undoing)) used.add(id);
      after = links.length < together ? null : (links.at(-1)?.recordId ?? null);
    }
    return used;
  }

  async #saidAbout(ids: readonly string[], undoing: Undoing): Promise<string[]> {
    const [consents, cares] = await Promise.all([
      this.commands.loadMany(consent, ids.map(consentId)),
      this.commands.loadMany(care, ids.map(careId)),
    ]);
    const isOne = isUndone(undoing, { externalIds: [] });
    const isWord = (event: Recorded) => ofSomebody.has(event.type) && !isOne(event as RecordedOf<CustomerEvent>);
    return ids.filter((id) =>
      [consents.get(consentId(id)), cares.get(careId(id))].some((found) => found?.events.some(isWord)),
    );
  }

  /** Whom those records go on naming that stay active. */
  async #namedBy(links: readonly CustomerLink[], undoing: Undoing): Promise<string[]> {
    const ids = links.map(({ recordId }) => recordId);
    const loaded = await this.commands.loadMany(customer, ids);
    const naming = links.flatMap((link) => {
      const found = loaded.get(link.recordId);
      if (found?.state.status !== 'active') return [];
      const { state, events } = found;
      return [{ link, undone: undoOf(events as RecordedOf<CustomerEvent>[], isUndone(undoing, state)) }];
    });
    const leaving = naming.flatMap(({ link, undone }) => (undone.record === 'archive' ? [link.recordId] : []));
    const kept = new Set(await this.#saidAbout(leaving, undoing));
    return naming.flatMap(({ link, undone }) => {
      if (undone.record === 'archive' && !kept.has(link.recordId)) return [];
      return linkFields.flatMap((field) => (field in undone.fields ? [] : (link[field] ?? [])));
    });
  }
}
