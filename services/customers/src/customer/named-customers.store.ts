import { Injectable } from '@nestjs/common';
import { Commands, conflict, gathered } from '@throughline/event-sourcing';
import { CustomerKeys, type FoundRecord } from '../import/customer-keys.view.ts';
import { customer } from './customer.ts';
import { claimsMeant, emailOf, holderAmong, type Named } from './unique-keys.ts';

/** Customers by their number or e-mail address, also by one that nobody has reserved. */
@Injectable()
export class NamedCustomers {
  readonly #byEmail = gathered(async (emails: readonly string[]) => {
    await this.keys.upToNow();
    return this.keys.withValues(['email'], emails);
  });

  readonly #withIds = gathered(async (ids: readonly string[]) => {
    await this.keys.upToNow();
    return this.keys.withIds(ids);
  });

  constructor(
    private readonly commands: Commands,
    private readonly keys: CustomerKeys,
  ) {}

  /** @throws Refusal `several-matches` where it names more than one; `too-busy` */
  async find(claim: string): Promise<string | undefined> {
    const [id, ...others] = (await this.findEach([claim])).get(claim) ?? [];
    if (others.length > 0) throw conflict('several-matches', { customerIds: [id, ...others] });
    return id;
  }

  /**
   * Whoever holds a claim. Imports, forms and sources reserve no e-mail address: where nobody does, all active customers that have
   * it.
   *
   * @param held who holds claims, these among them, where that is known already
   * @throws Refusal `too-busy`
   */
  async findEach(claims: readonly string[], held?: ReadonlyMap<string, string>): Promise<Named> {
    const holders = held ?? (await this.commands.holdersOf(customer.category, claims.flatMap(claimsMeant)));
    const open = claims.flatMap((claim) => (holders.has(claim) ? [] : (emailOf(claim) ?? [])));
    const known = open.length > 0 ? await this.#byEmail(open) : new Map<string, FoundRecord[]>();
    return new Map(
      claims.flatMap((claim) => {
        const holder = holderAmong(holders, claim);
        const ids = holder === undefined ? activeOf(known.get(emailOf(claim) ?? '')) : [holder];
        return ids.length > 0 ? [[claim, ids]] : [];
      }),
    );
  }

  /**
   * As `find`; where it names nobody, the id of the record that is made: an import at the same moment makes no other one.
   *
   * @throws Refusal as `find`
   */
  async findOrNew(claim: string): Promise<{ holder: string } | { id: string }> {
    const holder = await this.find(claim);
    if (holder !== undefined) return { holder };
    const id = await this.idOfNew(claim);
    const late = await this.find(claim);
    return late === undefined ? { id } : { holder: late };
  }

  /** Asked for before somebody is looked for: what is made in between is found by its value then, not by its id alone. */
  async idOfNew(claim: string): Promise<string> {
    // Whoever has had a number holds it.
    if (emailOf(claim) === undefined) return this.keys.idOfNew(claimsMeant(claim).at(-1) ?? claim, 0);
    for (let salt = 0; ; salt += 1) {
      const id = this.keys.idOfNew(claim, salt);
      if (!(await this.#withIds([id])).has(id)) return id;
    }
  }
}

const activeOf = (found: readonly FoundRecord[] = []): string[] => [
  ...new Set(found.flatMap(({ status, goldenId }) => (status === 'active' ? [goldenId] : []))),
];
