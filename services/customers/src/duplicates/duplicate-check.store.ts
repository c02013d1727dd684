import { Injectable } from '@nestjs/common';
import type { CustomerFields, DuplicateOperation, WayIn } from '@throughline/contracts';
import { Commands, conflict, currentContext } from '@throughline/event-sourcing';
import type { RulesInForce } from '../customer/golden-customers.store.ts';
import {
  actionFor,
  comparedBy,
  customerRulesOf,
  duplicateRules,
  duplicateRulesId,
  rulesFor,
  type DuplicateRules,
} from './duplicate-rules.ts';
import { Duplicates, likelyPair } from './duplicates.store.ts';
import { comparable, isCompared, saidOf } from './match-records.view.ts';
import { MatchRecords, type Found } from './match-records.store.ts';
import { bandOf, sameValues } from './same-values.ts';

/** What somebody is about to record. */
export type Intended = {
  operation: DuplicateOperation;
  /** The record that is made or changed. */
  id: string;
  /** The customer that answers for it, where there is one: its own records are no duplicates. */
  goldenId: string | null;
  /** All fields as they would be. */
  fields: CustomerFields;
  /** Where that is not what the request's entry says: a form, a quick entry. */
  way?: WayIn;
};

/** A customer that may be the same, as callers are told. */
export type Match = {
  customerId: string;
  number: string;
  name: string | null;
  score: number;
  probability: number;
  band: string;
  reasons: Found['reasons'];
};

export type Checked = { found: readonly Found[]; warnings: readonly ({ code: 'possible-duplicate' } & Match)[] };

const nothing: Checked = { found: [], warnings: [] };
const mostTold = 10;

/** Asks the duplicate rules before something is recorded, whichever way it comes in. */
@Injectable()
export class DuplicateCheck {
  constructor(
    private readonly commands: Commands,
    private readonly matches: MatchRecords,
    private readonly duplicates: Duplicates,
  ) {}

  /** The rules as they are now, and who asks to pass them. */
  async rules(skip = false): Promise<RulesInForce & { all: DuplicateRules; skip: boolean }> {
    const { state, version } = await this.commands.load(duplicateRules, duplicateRulesId);
    const { roles = [] } = currentContext();
    return {
      all: state,
      skip,
      rules: customerRulesOf(state, { skip, roles }),
      ...(version > 0 && { rulesVersion: `duplicate-rules@${version}` }),
    };
  }

  /**
   * What the rules say of it. Values that a rule reserves are checked again by the append itself; everything else is
   * compared with what the match view knows, which is milliseconds behind.
   *
   * @throws Refusal `duplicate-found` with the customers that may be the same
   */
  async check(
    { operation, id, goldenId, fields, way }: Intended,
    { all, skip }: { all: DuplicateRules; skip: boolean },
  ): Promise<Checked> {
    const { entry, roles = [] } = currentContext();
    const wayIn = way ?? (entry === 'policy' ? undefined : entry);
    if (wayIn === undefined) return nothing;
    const attempt = { way: wayIn, operation, roles, skip };
    const rules = rulesFor(all, attempt);
    if (rules.length === 0) return nothing;
    const record = comparable(id, saidOf(fields));
    const own = goldenId ?? id;
    const similar = rules.some(({ band }) => band) ? await this.matches.candidatesOf(record, own) : [];
    const sharing = comparedBy(rules).length > 0 ? await this.matches.sharingWith(record, own) : [];
    const known = new Set(similar.map(({ customerId }) => customerId));
    const found = [...similar, ...sharing.filter(({ customerId }) => !known.has(customerId))].flatMap((one) => {
      const likeness = { band: bandOf(one), same: sameValues(record, one.record) };
      const action = actionFor(rules, likeness, attempt);
      return action === undefined ? [] : [{ ...one, action }];
    });
    const blocking = found.filter(({ action }) => action === 'block');
    if (blocking.length > 0)
      throw conflict('duplicate-found', { matches: await this.told(blocking.slice(0, mostTold)) });
    const warned = await this.told(found.filter(({ action }) => action === 'warn').slice(0, mostTold));
    return { found, warnings: warned.map((match) => ({ code: 'possible-duplicate', ...match })) };
  }

  /** Queues what was found and let through. */
  async queue(customerId: string, { found }: Checked, by: 'create' | 'change', seed: string): Promise<void> {
    const pairs = found.filter(({ customerId: other }) => other !== customerId);
    await this.duplicates.record(
      pairs.map((one) => likelyPair(customerId, one, by)),
      seed,
    );
  }

  /** Who they are, the strongest first. */
  async told(found: readonly Found[]): Promise<Match[]> {
    const named = await this.matches.named(found.map(({ record }) => record.id));
    return found.flatMap((one) => {
      const side = named.get(one.record.id);
      const { customerId, weight: score, probability, reasons } = one;
      return side
        ? [{ customerId, number: side.number, name: side.name, score, probability, band: bandOf(one), reasons }]
        : [];
    });
  }
}

/** Whether a change touches what records are compared by. */
export const touchesCompared = (changes: object): boolean => Object.keys(changes).some(isCompared);
