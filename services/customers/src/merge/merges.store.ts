import { Injectable } from '@nestjs/common';
import { Commands, Refusal, conflict, type DecideContext } from '@throughline/event-sourcing';
import type { RecordAnswer } from '@throughline/service';
import {
  groupAfter,
  mergeGroups,
  unmergeRecord,
  unmergedAfter,
  type Decided,
  type Group,
  type MergeCustomers,
  type UnmergeCustomer,
} from '../customer/customer-group.ts';
import { parentErrors, parentOf, type Above } from '../customer/customer-links.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import {
  GoldenCustomers,
  GroupChanged,
  checkedWhole,
  type Ids,
  type Remembered,
} from '../customer/golden-customers.store.ts';
import { claimsGivenBack, withGivenBack } from '../customer/values-given-back.ts';
import { previewMerge } from './merge-preview.ts';
import { picksOf } from './picks.ts';
import { survivorship, survivorshipId } from './survivorship.ts';

/** What is said of a merge besides the customers; `fields`: field -> the customer whose value is to be taken. */
export type Merging = Pick<MergeCustomers, 'mergeId' | 'reason' | 'score'> & {
  fields?: Readonly<Record<string, string>> | undefined;
};

type InForce = Pick<MergeCustomers, 'rules' | 'fieldSet'>;

/** Merges customers by the rules in force, which each merge then keeps. */
@Injectable()
export class Merges {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly current: CurrentRules,
  ) {}

  /**
   * @param ids a record of each customer, that of the survivor first
   * @throws Refusal as `mergeGroups`, `parents-circular`, `parents-too-deep`, and `record-changed` where the caller saw another survivor
   */
  async merge(ids: Ids, merging: Merging, command: { type: string }, remembered?: Remembered): Promise<RecordAnswer> {
    const inForce = await this.#inForce();
    // All companies above stand still while it is decided: two merges at once cannot close a ring.
    let above: Above = nothingAbove;
    const withAbove = async (): Promise<Ids> => {
      above = await this.#above(await this.customers.groups(ids), merging, inForce);
      return [...ids, ...above.above.map(([top]) => top.id)] as unknown as Ids;
    };
    const decide = (groups: [Group, ...Group[]], { now }: DecideContext<CustomerRules>): Decided => {
      const own = groups.filter((group) => group.some(({ id }) => ids.includes(id))) as [Group, ...Group[]];
      checkedWhole(own[0]);
      const decided = merged(own, merging, inForce);
      const others = groups.filter((group) => !own.includes(group));
      if (!isBelow(groupAfter(own, decided, now), { ...above, above: others })) throw new GroupChanged();
      return decided;
    };
    return this.customers.decide(withAbove, command, decide, remembered ?? { target: ids.join(',') });
  }

  /**
   * Takes a record out again.
   *
   * @param body what the caller sent
   * @throws Refusal as `unmergeRecord`, and `parents-circular`, `parents-too-deep`
   */
  async unmerge(
    id: string,
    command: UnmergeCustomer,
    body: { type: string },
    remembered: Remembered,
  ): Promise<RecordAnswer> {
    let above: Above = nothingAbove;
    let free: ReadonlySet<string> = new Set();
    const stamped = await this.current.read();
    const withAbove = async (): Promise<Ids> => {
      const group = await this.customers.group(id);
      above = await this.#aboveUnmerged(group, command);
      free = await this.#freeOf(group, command, stamped.rules);
      return [id, ...above.above.map(([top]) => top.id)];
    };
    const decide = ([group, ...others]: [Group, ...Group[]], { now, rules }: DecideContext<CustomerRules>): Decided => {
      const decided = withGivenBack(group, unmergeRecord(checkedWhole(group), command), rules, free);
      const apart = unmergedAfter(group, command.recordId, decided, now);
      const moved = apart.filter((one) => parentOf(one) !== parentOf(group));
      const beside = (one: Group): Above => ({
        ...above,
        above: [...others, ...apart.filter((other) => other !== one)],
      });
      if (!moved.every((one) => isBelow(one, beside(one)))) throw new GroupChanged();
      return decided;
    };
    return this.customers.decide(withAbove, body, decide, remembered, stamped);
  }

  /** What it would make of each field, and why. @throws Refusal as `merge` does */
  async preview(ids: Ids, merging: Merging) {
    const inForce = await this.#inForce();
    const groups = await this.customers.groups(ids);
    const decided = merged(groups, merging, inForce);
    const after = groupAfter(groups, decided, new Date().toISOString());
    isBelow(after, await this.#aboveOf(after));
    const records = groups.flat().map(({ id, state: { number, into = null } }) => ({ id, number, into }));
    const [whole, ...apart] = await this.customers.tagged([after, ...groups]);
    return { fields: previewMerge(apart, whole as Group, picksOf(merging.fields, groups), inForce.rules), records };
  }

  async #above(groups: [Group, ...Group[]], merging: Merging, inForce: InForce): Promise<Above> {
    try {
      return await this.#aboveOf(groupAfter(groups, merged(groups, merging, inForce), new Date().toISOString()));
    } catch (error) {
      // What is wrong with it is said where it is decided: by then a repeat has got its first answer.
      if (error instanceof Refusal) return nothingAbove;
      throw error;
    }
  }

  /** What is above both of those that a customer is taken apart into. */
  async #aboveUnmerged(group: Group, command: UnmergeCustomer): Promise<Above> {
    try {
      const decided = unmergeRecord(group, command);
      const apart = unmergedAfter(group, command.recordId, decided, new Date().toISOString());
      const all = await Promise.all(apart.map((one) => this.#aboveOf(one)));
      return { above: all.flatMap(({ above }) => above), lost: all.flatMap(({ lost = [] }) => lost) };
    } catch (error) {
      if (error instanceof Refusal) return nothingAbove;
      throw error;
    }
  }

  /** Of what records get back by being taken apart, and only one may have, what no other customer claims. */
  async #freeOf(group: Group, command: UnmergeCustomer, rules: CustomerRules): Promise<ReadonlySet<string>> {
    try {
      const claims = claimsGivenBack(group, unmergeRecord(group, command), rules);
      const holders = claims.length > 0 ? await this.commands.holdersOf(customer.category, claims) : new Map();
      const isOwn = (holder: string | undefined) => !holder || group.some((part) => part.id === holder);
      return new Set(claims.filter((claim) => isOwn(holders.get(claim))));
    } catch (error) {
      if (error instanceof Refusal) return new Set();
      throw error;
    }
  }

  #aboveOf(group: Group): Promise<Above> {
    return this.customers.above(parentOf(group));
  }

  async #inForce(): Promise<InForce> {
    const [{ state: rules }, { rules: decidedBy }] = await Promise.all([
      this.commands.load(survivorship, survivorshipId),
      this.current.read(),
    ]);
    return { rules, fieldSet: decidedBy.fieldSet };
  }
}

const nothingAbove: Above = { above: [] };

/**
 * Whether a customer that was merged or taken apart stands below all that is above it; false where that cannot be told, since those changed meanwhile.
 *
 * @throws Refusal where it would belong to itself, or to more companies than are looked through
 */
function isBelow(group: Group, above: Above): boolean {
  const parentId = parentOf(group);
  const errors = parentId === undefined ? [] : parentErrors(group, parentId, above);
  const [error] = errors ?? [];
  if (error) throw conflict(error.code === 'too-deep' ? 'parents-too-deep' : 'parents-circular', { parentId });
  return errors !== undefined;
}

const merged = (groups: [Group, ...Group[]], { fields, ...merging }: Merging, inForce: InForce): Decided =>
  mergeGroups(groups, { type: 'MergeCustomers', ...merging, ...inForce, picks: picksOf(fields, groups) });
