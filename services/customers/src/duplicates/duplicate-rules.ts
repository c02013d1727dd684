import {
  exactFields,
  type AutoMerge,
  type DuplicateAction,
  type DuplicateBand,
  type DuplicateEvent,
  type DuplicateOperation,
  type DuplicateRule,
  type Entry,
  type ExactField,
  type WayIn,
} from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';
import type { CustomerRules, ReservedField } from '../customer/customer-rules.ts';
import { thresholds } from '../matching/score.ts';

export type DuplicateRules = {
  rules: readonly DuplicateRule[];
  autoMerge: AutoMerge;
  /** Whether a scan begins every night by itself. */
  scanNightly: boolean;
};
export type DuplicateRulesCommand = { type: 'SetDuplicateRules' } & DuplicateRules;
type DuplicateRulesSet = Extract<DuplicateEvent, { type: 'DuplicateRulesSet' }>;

/** An e-mail that somebody reserved is nobody else's, for people and programs; nothing is merged by itself. */
export const builtInDuplicateRules: DuplicateRules = {
  rules: [
    {
      ways: ['person', 'quick-add', 'api'],
      operations: ['create', 'change'],
      fields: ['email'],
      among: 'reserved',
      action: 'block',
      bypass: [],
    },
  ],
  autoMerge: { enabled: false, weight: thresholds.automatic + 4 },
  scanNightly: false,
};

/** One stream holds them all. */
export const duplicateRulesId = derivedId('duplicate-rules');

/** What becomes of duplicates. Which records are duplicates is another question, the matching's. */
export const duplicateRules: Decider<DuplicateRules, DuplicateRulesCommand, DuplicateRulesSet> = {
  category: 'duplicate-rules',
  initial: builtInDuplicateRules,

  decide(state, { rules, autoMerge, scanNightly }) {
    const errors = rules.flatMap((rule, index) => errorsOf(rule).map((error) => at(`rules.${index}`, error)));
    if (autoMerge.weight < thresholds.automatic) errors.push({ path: 'autoMerge.weight', code: 'out-of-range' });
    if (errors.length > 0) throw invalid('invalid-duplicate-rules', errors);
    const isSame = JSON.stringify(state) === JSON.stringify({ rules, autoMerge, scanNightly });
    return isSame ? [] : [{ type: 'DuplicateRulesSet', rules: [...rules], autoMerge, scanNightly }];
  },

  evolve: (_, { rules, autoMerge, scanNightly = false }) => ({ rules, autoMerge, scanNightly }),
  fields: (state) => state,
};

const at = (place: string, { path, code }: FieldError): FieldError => ({ path: `${place}.${path}`, code });

function errorsOf({ fields, band, among, action, ways }: DuplicateRule): FieldError[] {
  if ((fields === undefined) === (band === undefined)) return [{ path: 'fields', code: 'required' }];
  // What a rule reserves is one value, and told at once.
  if (among === 'reserved' && reservedBy({ fields, action }) === undefined) {
    return [{ path: 'among', code: 'not-allowed' }];
  }
  // A source is told nothing: what it says is recorded, and the pair queued.
  return ways.includes('connector') && action !== 'allow-and-log' ? [{ path: 'action', code: 'not-allowed' }] : [];
}

const reservedOf: Partial<Record<ExactField, ReservedField>> = {
  email: 'emails',
  phone: 'phones',
  registrationNumber: 'registrationNumber',
};

type Reserving = { fields?: DuplicateRule['fields'] | undefined; action: DuplicateAction };

/** The field whose values a rule keeps for one customer: of two that come at once, the first one gets it. */
function reservedBy({ fields, action }: Reserving): ReservedField | undefined {
  return action === 'block' && fields?.length === 1 ? reservedOf[fields[0] as ExactField] : undefined;
}

/** What somebody is about to do. */
export type Attempt = {
  way: WayIn;
  operation: DuplicateOperation;
  roles: readonly string[];
  /** Whether they asked not to be held up. */
  skip: boolean;
};

const isPassed = ({ bypass }: DuplicateRule, { skip, roles }: Attempt) =>
  skip && roles.some((role) => bypass.includes(role));

export const wayOf = (entry: Entry | WayIn): WayIn | undefined => (entry === 'policy' ? undefined : entry);

/** What the rules have customers reserve; who passes a rule reserves nothing by it. */
export const customerRulesOf = (
  { rules }: Pick<DuplicateRules, 'rules'>,
  { skip, roles }: Pick<Attempt, 'skip' | 'roles'>,
): Pick<CustomerRules, 'reserves'> => ({
  reserves: (given, operation) => {
    const way = wayOf(given);
    // A form is never refused, and keeps no value from its owner.
    if (way === undefined || way === 'form') return [];
    return rules
      .filter((rule) => rule.ways.includes(way) && rule.operations.includes(operation))
      .filter((rule) => !isPassed(rule, { way, operation, skip, roles }))
      .flatMap((rule) => reservedBy(rule) ?? []);
  },
});

/** The rules that look at all customers, of those that hold for an attempt. */
export const rulesFor = (
  { rules }: Pick<DuplicateRules, 'rules'>,
  { way, operation }: Pick<Attempt, 'way' | 'operation'>,
): DuplicateRule[] =>
  rules.filter((rule) => rule.among === 'all' && rule.ways.includes(way) && rule.operations.includes(operation));

/** A customer that may be the same, as rules see it. */
export type Likeness = { band: DuplicateBand; same: ReadonlySet<ExactField> };

const bandRank: Record<DuplicateBand, number> = { automatic: 2, review: 1, none: 0 };

const applies = ({ fields, band }: DuplicateRule, likeness: Likeness): boolean =>
  fields
    ? fields.every((field) => likeness.same.has(field))
    : band !== undefined && bandRank[likeness.band] >= bandRank[band];

const strictest: readonly DuplicateAction[] = ['block', 'warn', 'allow-and-log'];

/**
 * The strictest action of the rules that a likeness falls under; who passes a rule is only logged. What somebody filled in is
 * not to be lost, nor are they to be told who is a customer: a form that a rule would block is recorded, and queued.
 */
export function actionFor(
  rules: readonly DuplicateRule[],
  likeness: Likeness,
  attempt: Attempt,
): DuplicateAction | undefined {
  const actions = rules
    .filter((rule) => applies(rule, likeness))
    .map((rule): DuplicateAction => {
      if (isPassed(rule, attempt)) return 'allow-and-log';
      if (rule.action === 'block' && attempt.way === 'form') return 'warn';
      // Whoever has read a warning may say so.
      return rule.action === 'warn' && attempt.skip ? 'allow-and-log' : rule.action;
    });
  return strictest.find((action) => actions.includes(action));
}

/** Whether any rule compares with all customers: without one there is nothing to ask the match view. */
export const compares = ({ rules }: DuplicateRules): boolean => rules.some(({ among }) => among === 'all');

/** Whether any of the rules asks for nothing but the same name. */
export const comparesByName = (rules: readonly DuplicateRule[]): boolean =>
  rules.some(({ fields }) => fields?.every((field) => field === 'name'));

/** The exact fields that any of the rules compares. */
export const comparedBy = (rules: readonly DuplicateRule[]): ExactField[] =>
  exactFields.filter((field) => rules.some(({ fields }) => fields?.includes(field)));
