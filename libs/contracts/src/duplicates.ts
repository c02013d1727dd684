import { Type, type Static } from 'typebox';
import { Personal, described, event, type EventOf } from './event.ts';
import { OneOf, Uuid } from './money.ts';

const text = Type.String();

/** How a record comes in, as duplicate rules tell them apart. */
export const waysIn = ['person', 'quick-add', 'form', 'api', 'import', 'connector'] as const;
export type WayIn = (typeof waysIn)[number];

export const duplicateOperations = ['create', 'change'] as const;
export type DuplicateOperation = (typeof duplicateOperations)[number];

/**
 * What becomes of a record that is a duplicate by a rule:
 * - `block`: it is refused
 * - `warn`: it is recorded, whoever sent it is told, and the pair is queued for review
 * - `allow-and-log`: it is recorded, and the pair is queued
 */
export const duplicateActions = ['block', 'warn', 'allow-and-log'] as const;
export type DuplicateAction = (typeof duplicateActions)[number];

/** Values that can be compared exactly. */
export const exactFields = ['email', 'phone', 'registrationNumber', 'name'] as const;
export type ExactField = (typeof exactFields)[number];

/** How sure it is: merged by itself where that is switched on, to be looked at, or neither. */
export const duplicateBands = ['automatic', 'review', 'none'] as const;
export type DuplicateBand = (typeof duplicateBands)[number];

export const DuplicateRule = Type.Object(
  {
    ways: described(Type.Array(OneOf(waysIn), { minItems: 1 }), 'The ways in that it holds for.'),
    operations: described(Type.Array(OneOf(duplicateOperations), { minItems: 1 }), 'What of them it holds for.'),
    fields: described(
      Type.Optional(Type.Array(OneOf(exactFields), { minItems: 1 })),
      'The same customer is who has the same value in all of these; instead of `band`.',
    ),
    band: described(
      Type.Optional(OneOf(['automatic', 'review'] as const)),
      'The same customer is who matches at least so well; instead of `fields`.',
    ),
    among: described(
      OneOf(['all', 'reserved'] as const),
      'Compared with all customers, or only with those whose value was reserved by a rule that blocks.',
    ),
    action: OneOf(duplicateActions),
    bypass: described(Type.Array(text), 'Roles that may pass, if they ask for it.'),
  },
  { title: 'DuplicateRule' },
);
export type DuplicateRule = Static<typeof DuplicateRule>;

export const AutoMerge = Type.Object(
  {
    enabled: Type.Boolean(),
    weight: described(Type.Number(), 'The least weight of a pair, in bits.'),
  },
  { title: 'AutoMerge', description: 'Whether a scan merges by itself what is sure.' },
);
export type AutoMerge = Static<typeof AutoMerge>;

const Reason = Type.Object(
  {
    field: text,
    level: described(text, 'How well the field agrees.'),
    weight: described(Type.Number(), 'Bits for it, or against it where negative.'),
  },
  { title: 'DuplicateReason' },
);
export type DuplicateReason = Static<typeof Reason>;

export const duplicateEvents = {
  DuplicateRulesSet: event(
    'duplicate-rules',
    {
      rules: Type.Array(DuplicateRule),
      autoMerge: AutoMerge,
      scanNightly: described(Type.Optional(Type.Boolean()), 'Whether all customers are compared every night.'),
    },
    {
      description: 'What becomes of duplicates was decided anew. All rules are given, in the order in which they hold.',
    },
  ),
  DuplicateFound: event(
    'duplicate',
    {
      records: described(Type.Array(Uuid, { minItems: 2, maxItems: 2 }), 'The two customers, the lesser id first.'),
      score: described(Type.Number(), 'log2 of the odds that they are the same.'),
      reasons: described(Type.Array(Reason), 'What each field says, the strongest first.'),
      band: OneOf(duplicateBands),
      by: described(OneOf(['create', 'change', 'scan'] as const), 'What it was found at.'),
    },
    { description: 'Two customers may be the same. Said again where the score is clearly another.' },
  ),
  DuplicateDismissed: event(
    'duplicate',
    {
      recordId: described(Uuid, 'One of the two, with whom the reason goes when they are erased.'),
      reason: described(Type.Optional(Personal(text, { subject: 'recordId' })), 'Why they are two, as entered.'),
    },
    { description: 'Somebody looked, and they are two. They are not asked about again.' },
  ),
  DuplicateReopened: event('duplicate', {}, { description: 'The pair is to be looked at again.' }),
  DuplicateMerged: event(
    'duplicate',
    { survivor: described(Uuid, 'The customer that answers for both.') },
    { description: 'The two were merged from the queue, or by a scan.' },
  ),
};
export type DuplicateEvent = EventOf<typeof duplicateEvents>;
