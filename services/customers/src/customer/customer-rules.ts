import {
  builtInLifecycle,
  noRules,
  type DuplicateOperation,
  type Entry,
  type Lifecycle,
  type Reservable,
  type RuleSet,
  type WayIn,
} from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import { noFields, type FieldSet } from '../field/field-set.ts';

export type ReservedField = 'emails' | Reservable;

/** What a customer is decided by, besides its own past. */
export type CustomerRules = {
  /** The fields whose values become this customer's alone, by how they come in. Connectors are never refused. */
  reserves: (way: Entry | WayIn, operation: DuplicateOperation) => readonly ReservedField[];
  /** What is wrong with the other customers that a command names. */
  linkErrors?: readonly FieldError[];
  /** Why it cannot become a person; undefined where nobody looked who names it. */
  kindErrors?: readonly FieldError[] | undefined;
  /** The fields of the installation's own. */
  fieldSet: FieldSet;
  /** The moves that people and the API may make; sources say what they say. */
  lifecycle: Lifecycle;
  /** What values have to be like, but for those of sources. */
  ruleSet: RuleSet;
};
export const builtInRules: CustomerRules = {
  reserves: (way) => (way === 'person' || way === 'quick-add' || way === 'api' ? ['emails'] : []),
  fieldSet: noFields,
  lifecycle: builtInLifecycle,
  ruleSet: noRules,
};

/** Whether who comes in so may only make the moves of the life cycle. */
export const isBoundToMoves = (entry: Entry): boolean => entry === 'person' || entry === 'api';
