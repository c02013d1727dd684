import { Body, Controller, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { Commands, notFound, type FieldError, currentContext } from '@throughline/event-sourcing';
import { Answers, IdPipe, languageOf, messageOf } from '@throughline/service';
import { stateOfGroup, type Group } from '../customer/customer-group.ts';
import { asShown, emailKeys } from '../customer/customer-fields.ts';
import { CreateCustomerDto, Customer } from '../customer/customer.dto.ts';
import { customer } from '../customer/customer.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer as CustomerState } from '../customer/customer-state.ts';
import { claimsMeant } from '../customer/unique-keys.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { claimed } from '../customer/reserved-values.ts';
import { claimsOf } from '../rules/unique-values.ts';
import { checkCustomer } from './check-customer.ts';
import { CheckedCustomer, Corrections, RevertCorrectionDto, SuggestionDto, Suggestions } from './cleaning.dto.ts';
import { CompaniesByDomain } from './company-domains.view.ts';
import { correctionToRevert, correctionsOf } from './corrections.ts';
import { companyDomainsOf, suggestionsFor } from './suggestions.ts';

const eventsOf = (group: Group) => group.flatMap(({ events }) => events);

@Controller('customers')
export class CleaningController {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly companies: CompaniesByDomain,
  ) {}

  /** What would happen to this; with the id of a customer, as a change of it. Nothing is recorded. */
  @Post('check')
  @HttpCode(200)
  @Answers(CheckedCustomer)
  async check(@Body() body: CreateCustomerDto, @Headers('accept-language') language?: string) {
    const { id, number, ...input } = body;
    const isThere = id !== undefined && (await this.commands.exists(customer.category, id));
    const group = isThere ? await this.customers.group(id) : undefined;
    const state = group ? stateOfGroup(group) : customer.initial;
    const change = { type: 'ChangeCustomer', changes: input } as const;
    const { rules } = await this.customers.rulesFor(id ?? '', change);
    const context = { now: new Date().toISOString(), entry: currentContext().entry, rules };
    const { after, corrections, errors } = checkCustomer(state, input, context);
    const wrong = [...errors, ...(await this.#taken(group ? undefined : number, { state, after, rules }, group))];
    const suggestions = await this.#suggestions(after, language);
    return {
      fields: asShown(after.details),
      corrections,
      suggestions: suggestions.filter(({ path }) => !wrong.some((error) => error.path === path)),
      inferred: after.inferred,
      errors: wrong.map(({ path, code, params }) => ({
        path,
        code,
        message: messageOf(languageOf(language), code, params),
        ...(params && { params }),
      })),
    };
  }

  @Get(':id/corrections')
  @Answers(Corrections)
  async corrections(@Param('id', IdPipe) id: string) {
    return { items: correctionsOf(eventsOf(await this.customers.group(id))) };
  }

  /** Sets back what was entered; the same rules leave that value alone from now on. */
  @Post(':id/corrections/revert')
  @HttpCode(200)
  @Answers(Customer)
  async revert(@Param('id', IdPipe) id: string, @Body() body: RevertCorrectionDto) {
    const reverted = correctionToRevert(eventsOf(await this.customers.group(id)), body.eventId, body.path);
    if (!reverted) throw notFound('correction-not-found');
    return this.customers.execute(id, { type: 'RevertCorrection', reverted }, { revertCorrection: body });
  }

  /** What could be better, and what cannot be right; computed from the customer as it is. */
  @Get(':id/suggestions')
  @Answers(Suggestions)
  async suggestions(@Param('id', IdPipe) id: string, @Headers('accept-language') language?: string) {
    return { items: await this.#suggestions(stateOfGroup(await this.customers.group(id)), language) };
  }

  @Post(':id/suggestions/accept')
  @HttpCode(200)
  @Answers(Customer)
  accept(@Param('id', IdPipe) id: string, @Body() body: SuggestionDto) {
    return this.#answer(id, 'AcceptSuggestion', body);
  }

  /** It is not suggested again; for another value it is. */
  @Post(':id/suggestions/dismiss')
  @HttpCode(200)
  @Answers(Customer)
  dismiss(@Param('id', IdPipe) id: string, @Body() body: SuggestionDto) {
    return this.#answer(id, 'DismissSuggestion', body);
  }

  async #answer(id: string, type: 'AcceptSuggestion' | 'DismissSuggestion', { id: suggestionId }: SuggestionDto) {
    const { details } = stateOfGroup(await this.customers.group(id));
    const companies = await this.companies.of(companyDomainsOf(details));
    return this.customers.execute(id, { type, suggestionId, companies }, { type, suggestionId });
  }

  async #suggestions({ status, details, dismissed }: CustomerState, language: string | undefined) {
    if (status === 'erased') return [];
    const companies = await this.companies.of(companyDomainsOf(details));
    const found = suggestionsFor(details, { companies, dismissed, now: new Date().toISOString() });
    return found.map((one) => ({ ...one, message: messageOf(languageOf(language), one.rule) }));
  }

  /** Values that another customer has. */
  async #taken(
    number: string | undefined,
    { state, after, rules }: { state: CustomerState; after: CustomerState; rules: CustomerRules },
    group: Group | undefined,
  ): Promise<FieldError[]> {
    const { details } = after;
    const unique = (claimed(state, details, rules).unique ?? []).map((one) => ({
      ...one,
      claims: claimsOf(one, details),
    }));
    const own = new Set(group?.map(({ id }) => id));
    const emails = (details.emails ?? []).map((email) => `email:${emailKeys({ emails: [email] })[0] ?? ''}`);
    const numbers = number === undefined ? [] : claimsMeant(`number:${number}`);
    const claims = [...new Set([...emails, ...numbers, ...unique.flatMap((one) => one.claims)])];
    const holders = await this.commands.holdersOf(customer.category, claims);
    const isTaken = (claim: string) => holders.has(claim) && !own.has(holders.get(claim) ?? '');
    return [
      ...(numbers.some(isTaken) ? [{ path: 'number', code: 'number-taken' }] : []),
      ...emails.flatMap((claim, index) =>
        isTaken(claim) ? [{ path: `emails.${index}.value`, code: 'email-taken' }] : [],
      ),
      ...unique.flatMap(({ rule: ruleId, field: path, claims: values }) =>
        values.some(isTaken) ? [{ path, code: 'value-taken', params: { ruleId } }] : [],
      ),
    ];
  }
}
