import type { CustomerEvent, Reverted } from '@throughline/contracts';
import { conflict, notFound, type DecideContext } from '@throughline/event-sourcing';
import { withoutCorrection } from '../cleaning/corrections.ts';
import { suggestionsFor, type CompanyDomains } from '../cleaning/suggestions.ts';
import { changeDetails } from './customer-change.ts';
import type { CustomerRules } from './customer-rules.ts';
import { completed, type Customer } from './customer-state.ts';

export type AnswerSuggestion = {
  type: 'AcceptSuggestion' | 'DismissSuggestion';
  suggestionId: string;
  companies: CompanyDomains;
};

/** What was entered stands there again, and is not corrected any more. */
export function revertCorrection(state: Customer, reverted: Reverted): CustomerEvent[] {
  if (state.status === 'archived') throw conflict('customer-archived');
  if (state.reverted.some(({ eventId, path }) => eventId === reverted.eventId && path === reverted.path)) return [];
  const changes = withoutCorrection(state.details, reverted);
  if (!changes) throw conflict('correction-overwritten');
  const { emailsReserved } = state;
  return [completed(state, { type: 'CustomerDetailsChanged', ...changes, emailsReserved, reverted: [reverted] })];
}

/** What was probably meant becomes a change, or is not proposed again. */
export function answerSuggestion(
  state: Customer,
  { type, suggestionId, companies }: AnswerSuggestion,
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  if (type === 'DismissSuggestion' && state.dismissed.includes(suggestionId)) return [];
  const { details, dismissed } = state;
  const suggestion = suggestionsFor(details, { companies, dismissed, now: context.now }).find(
    ({ id }) => id === suggestionId,
  );
  if (!suggestion) throw notFound('suggestion-not-found');
  const { rule, changes } = suggestion;
  if (type === 'DismissSuggestion') return [{ type: 'CustomerSuggestionDismissed', suggestionId, rule }];
  if (!changes) throw conflict('suggestion-is-a-warning');
  return changeDetails(state, changes, context);
}
