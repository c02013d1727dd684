import { Injectable } from '@nestjs/common';
import type { CustomerFields, DuplicateAction, DuplicateOperation, DuplicateRule, WayIn } from '@throughline/contracts';
import { Commands, Refusal, conflict, currentContext } from '@throughline/event-sourcing';
import type { RulesInForce } from '../customer/golden-customers.store.ts';
import {
  actionFor,
  comparedBy,
  comparesByName,
  customerRulesOf,
  duplicateRules,
  duplicateRulesId,
  rulesFor,
  wayOf,
  type DuplicateRules,
  type Likeness,
} from './duplicate-rules.ts';
import { Duplicates, likelyPair } from './duplicates.store.ts';
import { comparable, isCompared, saidOf } from './match-records.view.ts';
import { MatchRecords, oneOfEach, type Found, type Named, type Sought } from './match-records.store.ts';
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
  /** Where that is not what the request's entry says: a quick entry. */
  way?: WayIn;
  /** Where it may come again: a repeat is not held up, it gets its first outcome. */
  commandId?: string | undefined;
};

/** The rules in force, and whether somebody asks to pass them. */
export type RulesAsked = RulesInForce & { all: DuplicateRules; skip: boolean };

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

/** Of one of several: the refusal is `duplicate-found`, with the customers that may be the same. */
export type Verdict = Checked | Refusal;

type Question = Sought & {
  byName: boolean;
  rules: readonly DuplicateRule[];
  actionOn: (likeness: Likeness) => DuplicateAction | undefined;
};
type Likely = Found & { action: DuplicateAction };

const mostTold = 10;
const mostQueued = 20;

/** Asks the duplicate rules before something is recorded, whichever way it comes in. */
@Injectable()
export class DuplicateCheck {
  constructor(
    private readonly commands: Commands,
    private readonly matches: MatchRecords,
    private readonly duplicates: Duplicates,
  ) {}

  /** The rules as they are now, and who asks to pass them. */
  async rules(skip = false): Promise<RulesAsked> {
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
   * What the rules say of each. Values that a rule reserves are checked again by the append itself; everything else is
   * compared with what the match view knows, which is milliseconds behind: not with each other. The view is asked for all
   * of them together.
   */
  async checkEach(all: readonly Intended[], { all: rules, skip }: RulesAsked): Promise<Verdict[]> {
    const questions = all.map((one) => questionOf(one, rules, skip));
    const similar = await this.matches.candidatesOfEach(questions.filter((one) => one.rules.some(({ band }) => band)));
    const sharing = await this.matches.sharingWithEach(questions.filter((one) => comparedBy(one.rules).length > 0));
    const likely = questions.map((one) =>
      likelyBy(one, oneOfEach([...(similar.get(one) ?? []), ...(sharing.get(one) ?? [])])),
    );
    const named = await this.matches.named(likely.flat().map(({ record }) => record.id));
    return likely.map((found) => verdictOn(found, named));
  }

  /** Queues what was found and let through. */
  async queue(customerId: string, { found }: Checked, by: 'create' | 'change', seed: string): Promise<void> {
    const pairs = found.filter(({ customerId: other }) => other !== customerId);
    await this.duplicates.record(
      pairs.slice(0, mostQueued).map((one) => likelyPair(customerId, one, by)),
      seed,
    );
  }

  /** Who they are, the strongest first. */
  async told(found: readonly Found[]): Promise<Match[]> {
    return matchesOf(found, await this.matches.named(found.map(({ record }) => record.id)));
  }
}

function questionOf({ operation, id, goldenId, fields, way }: Intended, all: DuplicateRules, skip: boolean): Question {
  const { entry, roles = [] } = currentContext();
  const wayIn = way ?? wayOf(entry);
  const attempt = wayIn && { way: wayIn, operation, roles, skip };
  const rules = attempt ? rulesFor(all, attempt) : [];
  return {
    record: comparable(id, saidOf(fields)),
    goldenId: goldenId ?? id,
    rules,
    byName: comparesByName(rules),
    actionOn: (likeness) => attempt && actionFor(rules, likeness, attempt),
  };
}

const likelyBy = ({ record, actionOn }: Question, found: readonly Found[]): Likely[] =>
  found.flatMap((one) => {
    const action = actionOn({ band: bandOf(one), same: sameValues(record, one.record) });
    return action === undefined ? [] : [{ ...one, action }];
  });

function verdictOn(found: readonly Likely[], named: ReadonlyMap<string, Named>): Verdict {
  const told = (action: DuplicateAction) =>
    matchesOf(found.filter((one) => one.action === action).slice(0, mostTold), named);
  const isBlocked = found.some(({ action }) => action === 'block');
  if (isBlocked) return conflict('duplicate-found', { matches: told('block') });
  return { found, warnings: told('warn').map((match) => ({ code: 'possible-duplicate', ...match })) };
}

const matchesOf = (found: readonly Found[], named: ReadonlyMap<string, Named>): Match[] =>
  found.flatMap((one) => {
    const side = named.get(one.record.id);
    const { customerId, weight: score, probability, reasons } = one;
    return side
      ? [{ customerId, number: side.number, name: side.name, score, probability, band: bandOf(one), reasons }]
      : [];
  });

/** Whether a change touches what records are compared by. */
export const touchesCompared = (changes: object): boolean => Object.keys(changes).some(isCompared);
