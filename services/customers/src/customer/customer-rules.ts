import type { FieldError } from '@throughline/event-sourcing';
import { noFields, type FieldSet } from '../field/field-set.ts';

/** What a customer is decided by, besides its own past. */
export type CustomerRules = {
  /** What an e-mail that another customer has does to people and the API. Connectors are never refused. */
  emailDuplicates: 'block' | 'allow';
  /** What is wrong with the other customers that a command names. */
  linkErrors?: readonly FieldError[];
  /** The fields of the installation's own. */
  fieldSet: FieldSet;
};
export const builtInRules: CustomerRules = { emailDuplicates: 'block', fieldSet: noFields };
