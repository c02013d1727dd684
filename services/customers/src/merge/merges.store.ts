import { Injectable } from '@nestjs/common';
import type { SurvivorshipRules } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import type { RecordAnswer } from '@throughline/service';
import { groupAfter, mergeGroups, type Decided, type Group, type MergeCustomers } from '../customer/customer-group.ts';
import { GoldenCustomers, type Ids, type Remembered } from '../customer/golden-customers.store.ts';
import { previewMerge } from './merge-preview.ts';
import { picksOf } from './picks.ts';
import { survivorship, survivorshipId } from './survivorship.ts';

/** What is said of a merge besides the customers; `fields`: field -> the customer whose value is to be taken. */
export type Merging = Pick<MergeCustomers, 'mergeId' | 'reason' | 'score'> & {
  fields?: Readonly<Record<string, string>> | undefined;
};

/** Merges customers by the rules in force, which each merge then keeps. */
@Injectable()
export class Merges {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
  ) {}

  /**
   * @param ids a record of each customer, that of the survivor first
   * @throws Refusal as `mergeGroups`
   */
  async merge(ids: Ids, merging: Merging, command: { type: string }, remembered?: Remembered): Promise<RecordAnswer> {
    const rules = await this.#inForce();
    const decide = (groups: [Group, ...Group[]]): Decided => merged(groups, merging, rules);
    return this.customers.decide(ids, command, decide, remembered);
  }

  /** What it would make of each field, and why. @throws Refusal as `merge` does */
  async preview(ids: Ids, merging: Merging) {
    const rules = await this.#inForce();
    const groups = await this.customers.groups(ids);
    const decided = merged(groups, merging, rules);
    const after = groupAfter(groups, decided, new Date().toISOString());
    const records = groups.flat().map(({ id, state: { number, into = null } }) => ({ id, number, into }));
    return { fields: previewMerge(groups, after, picksOf(merging.fields, groups), rules), records };
  }

  async #inForce(): Promise<SurvivorshipRules> {
    return (await this.commands.load(survivorship, survivorshipId)).state;
  }
}

const merged = (groups: [Group, ...Group[]], { fields, ...merging }: Merging, rules: SurvivorshipRules): Decided =>
  mergeGroups(groups, { type: 'MergeCustomers', ...merging, picks: picksOf(fields, groups), rules });
